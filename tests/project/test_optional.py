"""What is said of a package that is needed and is not there, or is there and does not load."""

import pytest

from modelwright.core.errors import MissingPackageError
from modelwright.core.optional import optional


def test_a_package_that_is_not_there_is_named_with_the_extra_that_installs_it():
    with pytest.raises(MissingPackageError, match="'not_there_at_all', which is not installed") as caught:
        optional("not_there_at_all", extra="tables", purpose="the learner 'x'")
    assert "modelwright[tables]" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says", "helps"),
    [
        ('raise OSError("libgomp.so.1: cannot open shared object file")', "libgomp.so.1", "apt-get install libgomp1"),
        ('raise ImportError("numpy.core.multiarray failed to import")', "numpy.core", "force-reinstall"),
        ("raise Exception", "Exception", "force-reinstall"),
        ("import something_else_that_is_not_there", "'something_else_that_is_not_there'", "modelwright[tables]"),
    ],
)
def test_a_package_that_does_not_load_says_why_and_what_helps(line, says, helps, tmp_path, monkeypatch):
    name = f"broken_{abs(hash(line))}"
    (tmp_path / f"{name}.py").write_text(line)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingPackageError) as caught:
        optional(name, extra="tables", purpose="the learner 'x'")
    assert says in str(caught.value) and helps in str(caught.value)
