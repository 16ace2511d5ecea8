"""Any table a caller may hand in, read into named columns with a kind, values and a mask of what is missing.

`read` takes arrays, lists, dictionaries of columns and data frames; `Schema` remembers the columns of a
reference and finds the same ones, in the same order, in every later table.
"""

from contlearn._tables._column import Column, Kind, Table
from contlearn._tables._read import Labels, TableLike, read
from contlearn._tables._schema import WORDS, Schema

__all__ = ["WORDS", "Column", "Kind", "Labels", "Schema", "Table", "TableLike", "read"]
