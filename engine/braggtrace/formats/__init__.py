"""The files that a simulation reads and writes, as the C program has them and beyond. Numpy only.

| module | reads | writes |
|---|---|---|
| `hkl` | `read_hkl(path, default_F, truncation=True)` | |
| | `read_cache(path, default_F, whitespace=True)` | `write_cache(path, table)` |
| `reflections` | `read_reflections(path, column, default_F)`: MTZ, mmCIF (extra `mtz`) | |
| `matrix` | `read_matrix(path)` | |
| `sources` | `read_sources(path, literal=True)` | |
| `smv` | `read_header(path)`, `read_smv(path)` | `format_header(values)`, `write_smv(path, values, pixels)` |
| `mask` | `read_mask(path, shape)`: SMV, npy, whatever fabio reads (extra `images`) | |
| `floatimage` | `read_float_image(path, shape)` | `write_float_image(path, image)`: raw or `.npy` |
| `pgm` | | `write_pgm(path, levels, scale)` |
| `png` | | `write_png(path, preview_levels(image))` |
| `files` | `read_bytes(path, what)` | `write_atomic(path, chunks)` |

Conventions:

- Images and masks have the shape (slow, fast). A mask is True where a pixel is used.
- A parameter named after a quirk (`truncation`, `whitespace`, `literal`, `last_substring`) is True for what the
  C program does and False for the clean meaning (profile `spec`).
- What can't be read raises `braggtrace.errors.InputError`, what can't be written `OutputError`. What a person should
  know but the C program would keep silent about is in the field `warnings` of the result.
- Writers write beside the target and rename, so an interrupted run leaves no half-written file.

The numbers of integer, noise and PGM images are computed by `braggtrace.simulate.levels` and
`braggtrace.simulate.noise`; the random numbers are in `braggtrace.simulate.random`.
"""
