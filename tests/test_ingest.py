"""Source files: stored once, attached by hash; and the check that re-proves every span."""

import hashlib

import pytest
from django.core.management import CommandError, call_command

from reports.ingest import IngestError, ingest, read_source
from reports.models import Report, SourceText
from tests import factories as make

pytestmark = pytest.mark.django_db

TEXT = "第一句话说明中美应当恢复官方对话机制。\n\n第二句话说明双方应当共同 制定技术标准。\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_goes_to_every_report_that_names_its_hash(source):
    ours = [make.report(source_sha256=sha(source)) for _ in range(2)]
    other = make.report(source_sha256="0" * 64)
    stored, attached = ingest(source)
    assert stored.text == TEXT and stored.file_name == "source.txt"
    assert sorted(r.pk for r in attached) == [r.pk for r in ours]
    other.refresh_from_db()
    assert other.source_text is None
    assert (
        ours[0].__class__.objects.get(pk=ours[0].pk).squeezed.slice(0, 19) == "第一句话说明中美应当恢复官方对话机制。"
    )


def test_twice_is_once(source):
    make.report(source_sha256=sha(source))
    ingest(source)
    before = list(SourceText.objects.values()), list(Report.objects.values())
    ingest(source)
    assert (list(SourceText.objects.values()), list(Report.objects.values())) == before


def test_a_report_without_a_source_takes_the_file(source):
    report = make.report()
    call_command("ingest", source, report=report.slug)
    report.refresh_from_db()
    assert (report.source_sha256, report.source_text.file_name) == (sha(source), "source.txt")


def test_a_report_coded_from_another_file_is_left_alone(source):
    report = make.report(source_sha256="0" * 64)
    with pytest.raises(IngestError, match="another file"):
        ingest(source, report)
    assert not SourceText.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe\x00", "UTF-16"), (b"", "empty"), (b" \n", "empty"), ("甲\0乙".encode(), "NUL")],
)
def test_bad_files_are_refused_in_a_sentence(content, reason, tmp_path, capsys):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        call_command("ingest", path)
    said = capsys.readouterr().err
    assert "bad.txt" in said and reason in said
    assert not SourceText.objects.exists()


def test_a_missing_file(tmp_path):
    with pytest.raises(IngestError, match="cannot be read"):
        read_source(tmp_path / "absent.txt")


def coded_report(source):
    text = make.source_text(TEXT, sha256=sha(source))
    report = make.report(text)
    row = make.position(report)
    return report, row, make.evidence(row, 0, 18)


def test_verify_proves_true_evidence(source, capsys):
    coded_report(source)
    call_command("verify")
    assert "Spans proven: 1. Spans of texts that are not held: 0. Faults: 0." in capsys.readouterr().out


def test_verify_names_each_span_that_fails(source, capsys):
    report, row, evidence = coded_report(source)
    evidence.digest = "0" * 12
    evidence.save()
    report.source_end = 30
    report.save()
    make.mention(report, make.event(), 20, 34)
    with pytest.raises(CommandError, match="Faults in the evidence: 2"):
        call_command("verify")
    said = capsys.readouterr().err
    assert f"{report.slug} {row.key} 0–18: the text reads otherwise" in said
    assert "20–34: it lies outside the report (0–30)" in said


def test_verify_says_what_it_could_not_check(source, capsys):
    report, *_ = coded_report(source)
    Report.objects.update(source_text=None)
    call_command("verify")
    assert "Spans proven: 0. Spans of texts that are not held: 1. Faults: 0." in capsys.readouterr().out
    call_command("verify", texts=source.parent)
    assert "Spans proven: 1." in capsys.readouterr().out
    evidence = report.positions.get().evidence.get()
    evidence.digest = "0" * 12
    evidence.save()
    with pytest.raises(CommandError):
        call_command("verify", texts=source.parent)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_verify_finds_a_stored_text_that_was_changed(mark, tmp_path):
    path = tmp_path / "source.txt"
    path.write_bytes(mark + TEXT.encode())
    stored, _ = ingest(path)
    call_command("verify")
    stored.text = TEXT.replace("恢复", "中断")
    stored.save()
    with pytest.raises(CommandError, match="Faults in the evidence: 1"):
        call_command("verify")
