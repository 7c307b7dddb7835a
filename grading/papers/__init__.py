"""Papers of grading: the certificate as PDF/A-2b, drawn by typst from values, never from spliced text."""
