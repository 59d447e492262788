"""Templates in HCL2."""

import pytest

from builds.engine.packer import Kind, Unreadable

from .reading import EBS, data, in_hcl, note


def test_sources_builds_variables_and_locals() -> None:
    imported = in_hcl(
        """
        packer {
          required_plugins { amazon = { version = "~> 1", source = "github.com/hashicorp/amazon" } }
        }
        variable "packages" {
          type    = list(string)
          default = ["nginx", "git"]
        }
        variable "title" {
          type        = string
          description = "Shown on every page"
        }
        locals {
          install = join(" ", concat(["apt-get", "install"], [for p in var.packages : lower(p) if p != "git"]))
        }
        data "amazon-ami" "debian" {
          filters     = { name = "debian-12-amd64-*", virtualization-type = "hvm" }
          owners      = ["136693071363"]
          most_recent = true
        }
        source "amazon-ebs" "web" {
          region        = "eu-central-1"
          instance_type = "t3.small"
          ssh_username  = "admin"
          ami_name      = "web-${formatdate("YYYY", timestamp())}"
          source_ami    = data.amazon-ami.debian.id
        }
        build {
          sources = ["source.amazon-ebs.web"]
          source "amazon-ebs.web" { ami_regions = ["eu-west-1"] }
          provisioner "shell" {
            inline = [local.install]
            env    = { TITLE = var.title }
          }
          provisioner "file" {
            content     = <<-EOT
              title = ${var.title}
                indented
              EOT
            destination = "/etc/wiki"
          }
        }
        """,
        values_auto_pkrvars_hcl='title = "Wiki"',
    )
    found = data(imported)
    assert found["variables"] == {"title": {"default": "Wiki", "description": "Shown on every page"}}
    assert [each.get("shell", each.get("file")) for each in found["provisioners"]] == [
        {"inline": "#!/bin/sh -e\napt-get install nginx\n", "env": {"TITLE": "{{ title }}"}, "user": "admin"},
        {"content": "title = {{ title }}\n  indented\n", "target": "/etc/wiki", "owner": "admin"},
    ]
    assert found["platforms"]["ec2"]["source"] == {"filter": {"owner": "136693071363", "name": "debian-12-amd64-*"}}
    assert note(imported, "source.amazon-ebs.web.ami_name").line == 25
    assert note(imported, "packer").kind is Kind.NOT_NEEDED


def test_dynamic_blocks_are_unrolled() -> None:
    imported = in_hcl(
        """
        source "qemu" "x" {
          iso_url = "https://example.com/debian-12.iso"
          dynamic "storage" {
            for_each = [8192, 1024]
            content { disk_size = storage.value }
          }
        }
        build { sources = ["qemu.x"] }
        """
    )
    assert data(imported)["size"] == {"disk": "8G"}


def test_only_and_except_name_sources_with_their_type() -> None:
    imported = in_hcl(
        EBS
        + """
        build {
          sources = ["source.amazon-ebs.web"]
          provisioner "shell" {
            only   = ["amazon-ebs.web"]
            inline = ["one"]
          }
          provisioner "shell" {
            except = ["amazon-ebs.web"]
            inline = ["two"]
          }
        }
        """
    )
    assert len(data(imported)["provisioners"]) == 1
    assert note(imported, "build.provisioner.1").kind is Kind.LEFT_OUT


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('source "qemu" "x" {\n  a = \n}\n', 2, ""),
        ('source "qemu" "x" {\n  a = 1\n', 3, "not closed"),
        ("a = <<EOT\nnever ends\n", 1, ""),
        ("x = 1\ny = @\n", 2, "@"),
        ("a = " + "[" * 3000, 1, ""),
        ("a = " + "[" * 500 + "]" * 500, 1, "nested"),
        ("", 1, "no builder"),
    ],
)
def test_what_is_no_hcl_says_where(text: str, line: int, said: str) -> None:
    if not text:
        assert said in str(in_hcl("").notes[0]).lower()
        return
    with pytest.raises(Unreadable) as caught:
        in_hcl(text)
    assert caught.value.line == line
    assert said in str(caught.value)


BUILD = 'build {\n  sources = ["amazon-ebs.web"]\n  provisioner "shell" { inline = [local.a] }\n}\n'


def test_locals_that_double_each_other_come_to_an_end() -> None:
    doubles = "".join(f"  l{n} = [local.l{n - 1}, local.l{n - 1}]\n" for n in range(1, 40))
    with pytest.raises(Unreadable, match="come to an end"):
        in_hcl(f"locals {{\n  l0 = 1\n{doubles}  a = local.l39\n}}\n{EBS}{BUILD}")


def test_locals_that_refer_to_themselves_are_named() -> None:
    imported = in_hcl(f"locals {{\n  a = local.b\n  b = local.a\n}}\n{EBS}{BUILD}")
    assert "refers to itself" in note(imported, "build.provisioner.0.inline").why


def test_what_takes_the_parser_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builds.engine.packer.hcl_text.SECONDS", 1)
    with pytest.raises(Unreadable, match="not read within 1 s"):
        in_hcl("a = <<A\n" + "\n" * 100_000)


def test_a_second_build_is_left_out_by_name() -> None:
    build = 'build {\n  name = "one"\n  sources = ["amazon-ebs.web"]\n}\n'
    imported = in_hcl(EBS + build + build.replace("one", "two"))
    assert note(imported, "build.1").what == "two"
