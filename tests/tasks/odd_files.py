"""Files with something odd in them: those that are handled, with the notes that say so, and those that are refused."""


def rows(count=40, **columns):
    """A file with a number, a category and a target, and what else is said."""
    made = {"a": [f"{i % 7}.5" for i in range(count)], "b": [("x", "y", "z")[i % 3] for i in range(count)], **columns}
    made.setdefault("y", [("no", "yes")[i % 2] for i in range(count)])
    lines = [",".join(made), *(",".join(cells) for cells in zip(*made.values()))]
    return "\n".join(lines).encode() + b"\n"


HANDLED = {
    "byte-order mark": (b"\xef\xbb\xbf" + rows(), ()),
    "utf-16": (rows().decode().encode("utf-16"), ("encoding",)),
    "mixed encodings": (rows(c=["ü"] * 40) + "1.5,x,no,ö\n".encode("latin-1"), ("mixed encodings",)),
    "a quote that never closes": (rows().replace(b"\n1.5,y", b'\n"1.5,y', 1), ("quotes",)),
    "emoji": (rows(c=["🙂", "🦊🦊"] * 20), ()),
    "repeated and blank names": (b"a,a,,y\n" + b"1.5,2,x,no\n2.5,3,y,yes\n" * 20, ("blank names", "duplicate names")),
    "a short row and a long one": (rows(200) + b"1.5,x\n1.5,x,no,no\n", ("fields",)),
    "no line end": (rows().rstrip(), ()),
    "an all-missing column": (rows(c=[""] * 40, d=["NA", "?"] * 20), ()),
    "infinite values": (rows(c=["inf", "-Infinity", "1.5", "1e999"] * 10), ()),
    "integers over 2**63": (rows(c=[str(2**63 + i % 9) for i in range(40)]), ()),
    "numbers with 400 digits": (rows(c=["9" * 400, "1" * 400] * 20), ()),
    "five forms of dates": (
        rows(c=["2020-01-02", "03/04/2020", "5 Jun 2020", "\"Jul 8, 2020\"", "10.11.2020"] * 8),
        (),
    ),
    "dates that never were": (rows(c=["2020-01-02", "2020-12-31"] * 19 + ["2020-02-30", "0000-00-00"]), ()),
    "a class of one row": (rows(y=["no", "yes"] * 19 + ["no", "perhaps"]), ()),
    "a target with gaps": (rows(y=["no", "", "yes", "NA"] * 10), ()),
    "one column to learn from": (b"a,y\n" + b"1.5,no\n2.5,yes\n" * 20, ()),
    "four rows": (b"a,y\n1.5,no\n2.5,yes\n2.5,no\n1.0,yes\n", ()),
    "two rows of numbers": (b"a,y\n1.5,2.5\n2.5,3.5\n", ()),
    "NUL characters": (rows().replace(b",x,", b",x\x00,"), ("encoding",)),
    "a very long cell": (rows(c=["word " * 50_000] + ["short"] * 39), ()),
    "blank lines": (rows().replace(b"\n", b"\n\n"), ()),
    "cells of blanks": (rows(c=[" ", "1.5"] * 20), ()),
    "quoted cells": (rows(c=['"1,5"', '"2,5"'] * 20), ()),
    "mixed types in a column": (rows(c=["1.5", "two", "2020-01-02", "yes"] * 10), ()),
    "windows line ends in half of it": (rows() + rows().split(b"\n", 1)[1].replace(b"\n", b"\r\n"), ()),
    "underscores in digits": (rows(c=["1_000", "2_000"] * 20), ()),
    "digits of other scripts": (rows(c=["١٢", "٣", "٤٥", "٦"] * 10), ()),
    "words that Python takes for numbers": (rows(c=["nan", "infinity", "-inf", "1e5"] * 10), ()),
}  # fmt: skip

REFUSED = {
    "an empty file": (b"", "nothing in it"),
    "blank lines only": (b"\n\n  \n", "nothing in it"),
    "a header only": (b"a,b,y\n", "no rows"),
    "one row": (b"a,b,y\n1,x,no\n", "every row has the class 'no'"),
    "one row of numbers": (b"a,y\n1.5,2.5\n", "every value is 2.5"),
    "one column": (b"y\nno\nyes\nno\nyes\n", "no column but 'y'"),
    "no target": (b"a,b\n1,x\n2,y\n", "no column 'y'"),
    "a constant target": (rows(y=["no"] * 40), "every row has the class 'no'"),
    "a target of nothing": (rows(y=[""] * 40), "every cell is missing"),
    "a target that differs": (rows(y=[f"row {i}" for i in range(40)]), "40 of 40 rows have a class of their own"),
    "an infinite target": (rows(y=[f"{i}.5" for i in range(39)] + ["inf"]), "1 value is infinite.* row 39"),
    "a class of one row and another": (b"a,y\n1,no\n2,no\n3,yes\n", "the class 'yes' has a single row"),
    "ragged rows": (b"a,b,y\n" + b"1,x,no\n2,y\n" * 20, "20 rows of 40 .*lines 3, 5"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(100), "spreadsheet"),
    "binary": (bytes(5000), "binary"),
}  # fmt: skip
