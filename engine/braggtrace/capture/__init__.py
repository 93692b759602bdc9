"""Fresh traces from a C program: one that traces itself, or one built with -g, read under gdb without changing it."""

from braggtrace.capture.api import capture
from braggtrace.capture.model import CaptureRequest, CaptureResult, Missing

__all__ = ["CaptureRequest", "CaptureResult", "Missing", "capture"]
