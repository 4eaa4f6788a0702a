#!/bin/sh
# Installs what uv.lock names for the extra `cpu` or `gpu` into /opt/detloop, without what no step reads.
set -eu

export UV_PROJECT_ENVIRONMENT=/opt/detloop UV_PYTHON=/usr/bin/python3 UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1
export UV_CACHE_DIR=/root/.cache/uv UV_LINK_MODE=copy
# Bytecode whose source is not looked at: a read-only container cannot renew it, and copies may have other times.
export UV_COMPILE_BYTECODE=1 PYC_INVALIDATION_MODE=UNCHECKED_HASH

# libclang is for those who build TensorFlow.
uv sync --frozen --no-dev --no-install-project --extra "$1" --extra pipeline --no-install-package libclang

cd "$UV_PROJECT_ENVIRONMENT"/lib/python3*/site-packages
# Headers are for those who compile operations of their own.
rm -rf tensorflow/include
for package in matplotlib numpy pandas scipy; do
    find "$package" -type d -name tests -prune -exec rm -rf {} +
done
