"""What commands print about one run, one data set or one network, as rich renderables and pictures."""
