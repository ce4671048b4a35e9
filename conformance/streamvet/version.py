"""The version of the tool, beside what imports more. A test holds it to the package's and to the changelog's."""

from __future__ import annotations

VERSION = "0.1.0"
