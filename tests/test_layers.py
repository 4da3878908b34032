"""Imports point one way, down the LAYERS; inside a layer, portal < reports < recommendations."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("portal", "reports", "recommendations")
LAYERS = {
    "bottom": {"__init__", "text", "trial", "repair"},
    "leaf": {
        "settings",
        "fields",
        "words",
        "bulk",
        "middleware",
        "apps",
        "dossier",
        "addresses",
        "shelf",
        "renderers",
        "extraction",
    },
    "facts": {"models"},
    "derived": {"index", "finding"},
    "shaping": {
        "ingest",
        "filters",
        "paging",
        "caching",
        "export",
        "dump",
        "dumps",
        "comparison",
        "drawing",
        "verification",
        "editorial",
        "keys",
        "sample",
        "loading",
        "telling",
        "excerpt",
    },
    "comparing": {
        "band",
        "matrix",
        "meeting",
        "divergence",
        "forecasting",
        "suggestion",
        "search",
        "completion",
        "filed",
    },
    "edge": {"views", "api", "search_api", "admin", "feeds", "context_processors", "templatetags", "wsgi"},
    "crossing": {"comparison_api", "dictionary", "dumps_api"},
    "gathering": {"dumping"},
    "wiring": {"urls", "management"},
}
# `AppConfig.ready` is Django's own place for hooks; it imports inside the function, once everything is loaded.
RANK = {name: rank for rank, names in enumerate(LAYERS.values()) for name in names}


def modules():
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT)


def place(parts):
    """Return the rank of a module given as ("reports", "models", …): (layer, app)."""
    return RANK[parts[1] if len(parts) > 1 else "__init__"], APPS.index(parts[0])


def imported(path):
    """Yield the parts of every module of the project that a file imports at its top level."""
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its direction"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] in APPS:
                is_module = (ROOT / Path(*parts)).with_suffix(".py").exists() or (ROOT / Path(*parts)).is_dir()
                yield tuple(parts if is_module else parts[:-1])


@pytest.mark.parametrize("path", list(modules()), ids=str)
def test_imports_point_down(path):
    parts = path.with_suffix("").parts
    own = place(parts)
    for target in imported(path):
        inside = target[:2] == parts[:2] and own[0] == RANK["management"]
        lower = place(target) < own
        assert lower or inside, f"{path} imports {'.'.join(target)}, which is not below it"


def test_reports_never_know_recommendations():
    for path in modules():
        if path.parts[0] == "reports":
            assert not any(target[0] == "recommendations" for target in imported(path)), path
