"""Default content of the grading floor: rule-sets and the calibration table that stands before learning."""
