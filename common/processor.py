"""What the system says of the processor."""

_CPU_INFO = "/proc/cpuinfo"


def facts() -> dict[str, str]:
    """Returns its facts by name, such as "model name" and "flags"; none where this is not Linux."""
    try:
        with open(_CPU_INFO, encoding="utf-8", errors="replace") as file:
            pairs = [line.partition(":")[::2] for line in file]
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, value in pairs}
