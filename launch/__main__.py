"""`python -m launch` is `xinshi`, wherever the checkout has been moved to."""

from launch.commands import main

main()
