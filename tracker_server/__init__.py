"""The tracker: records what readers do and shows it live."""
