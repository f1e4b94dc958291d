"""Run folders and what lies in them: records, atomic writes, what is done; nothing here imports torch."""
