"""Templates that several tests start from."""

FULL = """\
base: debian:12
size: {cpus: 2, memory: 1G, disk: 4GiB}
network: none
variables:
  site_title: {type: string, default: Our wiki, description: On every page}
  workers: {type: integer, default: 2}
  debug: {type: boolean, default: false}
  flavour: {type: choice, options: [plain, full], default: plain}
  admin_password: {secret: true, description: First sign-in}
limits: {boot: 5m, provisioner: 90s, build: 2h}
files:
  scripts/install.sh: |
    #!/bin/sh
    echo "$site_title"
provisioners:
  - shell: {script: scripts/install.sh, env: {TITLE: "{{ site_title }}", PASS: "{{ admin_password }}"}}
  - shell: {inline: "install-wiki --workers {{ workers }} --debug {{ debug }} --{{ flavour }}"}
  - file: {content: "{{ admin_password }}", target: /etc/wiki.secret, mode: "0600", owner: www-data}
platforms:
  qemu: {accelerator: tcg, formats: [qcow2, {ova: {hardware: 19}}]}
checks:
  - http: {port: 80, contains: "{{ site_title }}"}
  - service: {name: wiki}
  - packages: {installed: [nginx], absent: [telnetd]}
"""

SMALL = """\
base: debian:12
platforms:
  qemu: {formats: [qcow2]}
"""
