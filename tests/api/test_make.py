"""`python -m penstock.api.make` writes the whole list of names, or nothing."""

from penstock.api import make


def test_a_module_that_fails_keeps_the_list(monkeypatch, capsys) -> None:
    written = []
    monkeypatch.setattr(make, "import_everything", lambda: {"penstock.ops.broken": SyntaxError("no")})
    monkeypatch.setattr(make, "write_whole", lambda *given: written.append(given))
    monkeypatch.setattr(make, "_old_lines", list)  # as if what the modules export were new
    assert make.main([]) == 1 and not written
    told = capsys.readouterr().err
    assert "cannot import penstock.ops.broken: SyntaxError: no" in told and "left as it was" in told
    monkeypatch.setattr(make, "import_everything", dict)
    assert make.main([]) == 0 and len(written) == 1
