"""What happens in the demo market, one file per chapter. Every play is a process of the stage."""
