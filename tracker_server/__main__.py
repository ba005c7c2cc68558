"""``python -m tracker_server`` is ``tracker-server``."""

from tracker_server.cli import main

if __name__ == "__main__":
    main(prog_name="tracker-server")
