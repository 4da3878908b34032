#!/usr/bin/env python
"""Run a management command of the portal."""

import gc
import os
import sys

from portal.trial import surround


def main():
    gc.set_threshold(100_000)  # what is loaded stays, so that looking through it again and again is time lost
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] == ["demo"]:
        surround()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
