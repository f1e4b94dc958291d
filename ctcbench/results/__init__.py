"""Run folders and the files in them: settings, metrics, results, predictions; without torch."""
