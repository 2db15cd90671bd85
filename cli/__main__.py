import signal
import sys

from cli.main import main

# A request to end is an interrupt, so that what the command started is stopped on the way out.
signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
