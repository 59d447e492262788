#!/bin/sh
set -eu
systemctl enable nginx
date -u > /etc/built-at
