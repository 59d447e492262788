"""Golden plans: what some templates come to, as text: how a change of the engine changes it for authors.

When a change is meant: `UPDATE_GOLDEN=1 pytest tests/engine/test_golden.py`, then look at the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from builds.engine import pipeline
from builds.engine.plan import Plan
from builds.engine.template import parse

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.yaml"))


def plugin(made: Any) -> dict[str, Any]:
    return {made.name: made.options.model_dump(mode="json")}


def render(plan: Plan) -> str:
    parts = {
        "steps": pipeline.steps(plan),
        "base": plugin(plan.base),
        "platform": plugin(plan.platform),
        "size": vars(plan.size),
        "network": plan.network,
        "limits": vars(plan.limits),
        "variables": dict(plan.variables),
        "secrets": sorted(plan.secrets),
        "provisioners": [plugin(each) for each in plan.provisioners],
        "formats": [plugin(each) for each in plan.formats],
        "checks": [{"promises": each.title, **plugin(each)} for each in plan.checks],
    }
    return yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=100)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_plan_is_what_it_was(path: Path) -> None:
    template = parse(path.read_text())
    plans = template.plans("acme-1.0.0", dict.fromkeys(template.secrets, "hunter2"), None)
    rendered = "\n".join(f"# {name}\n{render(plan)}" for name, plan in plans.items())
    golden = path.with_suffix(".plan")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered)
    assert rendered == golden.read_text()
    assert "hunter2" not in rendered
