"""schema: editors accept what parse accepts, and refuse what it refuses."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from builds.engine.template import schema
from tests.engine.template.samples import FULL, SMALL
from tests.engine.template.stand_ins import REGISTRY


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema(REGISTRY)
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        SMALL,
        SMALL.replace("debian:12", "{file: disk.qcow2}"),
        SMALL + 'checks: [{http: {path: "{{ page }}", status: [200, 301]}}]',
        SMALL + "provisioners: [{shell: {inline: a, wait: 30, timeout: 5m}}]",
        SMALL + "variables: {a: {type: number, default: 0.5, min: 0}}",
        "extends: demo/base",
        "extends: demo/base@1.0\nplatforms: {qemu: {accelerator: tcg}}",
        "extends: demo/base\nplatforms: {qemu: null}\nfiles: {a: null}\nsize: null\nlimits: {boot: null}",
        "extends: demo/base\nprovisioners: [null, {shell: {inline: a}}]\nchecks: null",
        "extends: demo/base\nvariables: {port: {min: null, default: 80}, other: null}",
    ],
)
def test_good_templates_are_valid(validator: jsonschema.Draft202012Validator, text: str) -> None:
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "platforms: {qemu: {formats: [qcow2]}}",
        "base: debian:12",
        SMALL.replace("debian:12", "slackware:15"),
        SMALL.replace("debian:12", "{floppy: a}"),
        SMALL.replace("qemu", "quemu"),
        SMALL.replace("[qcow2]", "[]"),
        SMALL.replace("[qcow2]", "[qcow]"),
        SMALL + "colour: blue",
        SMALL + "size: {memory: 1}",
        SMALL + "network: some",
        SMALL + "limits: {boot: 10 minutes}",
        SMALL + "files: [a]",
        SMALL + "variables: {a: {type: float}}",
        SMALL + "provisioners: [{puppet: {}}]",
        SMALL + "provisioners: [{shell: {inline: a, scrpt: b}}]",
        SMALL + "provisioners: [{file: {content: a}}]",
        SMALL + "checks: [{port: {port: http}}]",
        SMALL + "checks: [{http: {path: no-slash}}]",
        SMALL + "files: {a: null}",
        SMALL + "provisioners: [null]",
        "extends: base",
        "extends: demo/base\ncolour: blue",
        "extends: demo/base\nplatforms: {qemu: {colour: blue}}",
        "extends: demo/base\nplatforms: {qemu: {formats: []}}",
        "extends: demo/base\nprovisioners: [{file: {content: a}}]",
        "extends: demo/base\nsize: {memory: 1}",
    ],
)
def test_wrong_templates_are_not(validator: jsonschema.Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(yaml.safe_load(text))


def test_help_and_defaults_are_in_it_as_people_write_them() -> None:
    definitions = schema(REGISTRY)["$defs"]
    assert definitions["check.port"]["properties"]["port"]["description"] == "TCP port."
    assert definitions["Size"]["properties"]["disk"]["default"] == "4G"
    assert definitions["Limits"]["properties"]["build"]["default"] == "2h"
