"""What arguments name besides files."""

import os

import pytest

from serving.video import sources


@pytest.mark.parametrize(
    ("argument", "address", "shown", "name", "is_live"),
    [
        ("camera:0", 0, "camera:0", "camera0", True),
        ("/dev/video2", 2, "/dev/video2", "camera2", True),
        ("http://a.b/c/d.mp4", "http://a.b/c/d.mp4", "http://a.b/c/d.mp4", "d.mp4", False),
        (
            "HTTPS://me:pw@a.b:80/x%2Fy%20%3F.png?key=1#z",
            "HTTPS://me:pw@a.b:80/x%2Fy%20%3F.png?key=1#z",
            "HTTPS://a.b:80/x%2Fy%20%3F.png",
            "x_y _.png",
            False,
        ),
        ("rtsp://me:p/w@cam/", "rtsp://me:p/w@cam/", None, None, True),
        ("rtsp://me:pw@cam/", "rtsp://me:pw@cam/", "rtsp://cam/", "cam", True),
        ("http://host?x=a/../b", "http://host?x=a/../b", "http://host", "host", False),
        ("http://host/%2e%2e", "http://host/%2e%2e", "http://host/%2e%2e", "host", False),
    ],
)
def test_addresses_and_cameras(argument, address, shown, name, is_live):
    if shown is None:
        with pytest.raises(ValueError, match="not an address"):
            sources.parse(argument)
        return
    source = sources.parse(argument)
    assert source is not None
    assert (source.address, source.shown, source.is_live) == (address, shown, is_live)
    assert os.path.basename(source.name_path) == name
    assert not source.is_file


@pytest.mark.parametrize("path", ["x.mp4", "camera", "camera:x", "a/http:/b", "/dev/videos"])
def test_paths_are_none_of_them(path):
    assert sources.parse(path) is None


@pytest.mark.parametrize(
    "address", ["ftp://a/b", "file:///etc/passwd", "udp://1.2.3.4", "http://", "http://[::1/x"]
)
def test_other_addresses_are_refused(address):
    with pytest.raises(ValueError, match=r"not read|names no host|not an address"):
        sources.parse(address)


def test_passwords_are_not_told():
    for address in ("http://u:secret@[::1/x", "ftp://u:secret@host/x", "http://u:secret@/x"):
        with pytest.raises(ValueError, match=r".") as caught:
            sources.parse(address)
        assert "secret" not in str(caught.value)


def test_names_of_results_differ():
    some = [sources.of_file("a/x.mp4"), sources.of_file("b/x.mp4")]
    remote = sources.parse("http://host/x.mp4")
    assert remote is not None
    assert len(set(sources.choose_names([*some, remote]))) == 3
