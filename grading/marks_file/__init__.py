"""Grades from a file of marks, without the platform: `xinshi grade estimate`.

faults       what can be wrong with a file, said with line and reason
given        the small tables given beside the marks
reading      CSV or Parquet, checked row by row; a wrong row stops everything
shelf        the marks on disk, in parts that fit in memory
estimating   calibration, field, scores, grades, part by part
writing      the tables, all or none
"""

from grading.marks_file.estimating import Options, Receipt, constants_of, estimate_file
from grading.marks_file.faults import MarksInvalid
from grading.marks_file.writing import Outputs, write

__all__ = ["MarksInvalid", "Options", "Outputs", "Receipt", "constants_of", "estimate_file", "write"]
