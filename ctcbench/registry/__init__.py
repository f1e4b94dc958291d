"""Find, load and isolate plugins; build their components; name the owner of an error."""
