"""Image formats by their first bytes and endings, and what to do with those that are not read."""

from __future__ import annotations

from synthgen.data.file_kinds import ending

RAW_ENDINGS = {".nef", ".arw", ".dng", ".cr2", ".cr3", ".crw", ".orf", ".rw2", ".raf", ".pef",
               ".srw", ".srf", ".sr2", ".nrw", ".x3f", ".3fr", ".iiq", ".erf", ".mos", ".kdc",
               ".dcr"}  # fmt: skip
"""Raw files of cameras: most look like TIFF, with a small preview in the place of the picture."""

HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}

MAGIC = (
    (0, b"\xff\x0a", "JPEG XL"), (0, b"\0\0\0\x0cJXL ", "JPEG XL"), (0, b"8BPS", "Photoshop (PSD)"),
    (0, b"%PDF", "PDF"), (0, b"%!PS", "PostScript"), (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (128, b"DICM", "DICOM"), (0, b"v/1\x01", "OpenEXR"), (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"\x93NUMPY", "NumPy array"), (0, b"\x89HDF", "HDF5"), (0, b"MATLAB", "MATLAB"),
    (0, b"\0\0\x01\0", "Windows icon (ICO)"), (0, b"DDS ", "DDS texture"), (0, b"FLIF", "FLIF"),
    (0, b"BPG\xfb", "BPG"), (0, b"SIMPLE  =", "FITS"), (344, b"n+1\0", "NIfTI"),
    (0, b"PK\x03\x04", "zip archive"), (0, b"\x1f\x8b", "gzip"), (0, b"Rar!", "RAR archive"),
    (0, b"7z\xbc\xaf", "7-Zip archive"), (257, b"ustar", "tar archive"), (0, b"RIFF", "AVI or WAV"),
    (0, b"\x1aE\xdf\xa3", "Matroska video"), (0, b"gimp xcf", "GIMP (XCF)"), 
    (0, b"II\xbc", "JPEG XR"),
    (0, b"AT&TFORM", "DjVu"), (0, b"\x0a\x05\x01\x08", "PCX"), (0, b"icns", "macOS icon (ICNS)"),
    (0, b"\xd0\xcf\x11\xe0", "Windows compound file"), (0, b"<!DOCTYPE", "HTML page"),
    (0, b"<!doctype", "HTML page"), (0, b"<html", "HTML page"),
    (0, b"version https://git-lfs", "Git LFS pointer"),
)  # fmt: skip

BY_ENDING = {".tga": "Targa (TGA)", ".svg": "SVG drawing", ".svgz": "SVG drawing", ".heic": "HEIC",
             ".heif": "HEIF", ".pcx": "PCX", ".ico": "Windows icon (ICO)", ".emf": "EMF drawing",
             ".wmf": "WMF drawing", ".eps": "EPS", ".dcm": "DICOM", ".exr": "OpenEXR",
             ".hdr": "HDR", ".nii": "NIfTI", ".jxl": "JPEG XL", ".psd": "Photoshop (PSD)",
             ".ai": "Illustrator",
             ".xcf": "GIMP (XCF)", ".dds": "DDS texture", ".fits": "FITS", ".fit": "FITS",
             ".sgi": "SGI image", ".ras": "Sun raster", ".xbm": "XBM", ".xpm": "XPM",
             ".webm": "video"}  # fmt: skip

ADVICE = {
    "HTML page": "it was saved in place of an image; download it again",
    "Git LFS pointer": "fetch the files themselves with: git lfs pull",
    "zip archive": "unpack it",
    "gzip": "unpack it",
    "tar archive": "unpack it",
    "RAR archive": "unpack it",
    "7-Zip archive": "unpack it",
}
CONVERT = "convert it to PNG or JPEG"
CONVERT_HEIC = (
    "convert them to PNG or JPEG, for example with: magick mogrify -format png '*.heic'; a phone "
    "can also be told to store JPEG"
)


def unread_format(encoded: bytes, name: str = "") -> str | None:
    """Why an image of this format is not read, and what to convert it to; ``None`` if the format is
    one that is read, or is not known.

    Args:
        encoded: the file's first bytes at least.
        name: the file's name, for formats that their bytes do not tell; may be empty.
    """
    last = ending(name)
    if last in RAW_ENDINGS:
        return (
            f"raw camera files ({last[1:].upper()}) are not read, as they hold a small preview "
            "in the picture's place; develop them to 16-bit TIFF, PNG or JPEG"
        )
    found = _by_bytes(encoded)
    if found is None and last in BY_ENDING and not _is_read(encoded):
        found = BY_ENDING[last]
    if found is None:
        return None
    how = CONVERT_HEIC if found.startswith("HEI") else ADVICE.get(found, CONVERT)
    return f"the format {found} is not read; {how}"


def _by_bytes(encoded: bytes) -> str | None:
    if encoded[4:8] == b"ftyp":
        brand = encoded[8:12]
        if brand in HEIF_BRANDS:
            return "HEIC"
        return None if brand in (b"avif", b"avis") else "MP4 or MOV video"
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return None
    if encoded.lstrip()[:5] in (b"<?xml", b"<svg ") and b"<svg" in encoded[:2000]:
        return "SVG drawing"
    for at, magic, name in MAGIC:
        if encoded[at : at + len(magic)] == magic:
            return name
    return None


def _is_read(encoded: bytes) -> bool:
    """Whether the bytes begin as those of the usual formats do, whatever the file is called."""
    usual = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"P5", b"P6")
    return encoded.startswith(usual)
