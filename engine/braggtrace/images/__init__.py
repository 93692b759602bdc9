"""Float images, side by side: read, compare, and condense them to what fits on a screen. Numpy only, no screen.

| module | offers |
|---|---|
| `model` | `Image`, `Statistics`, `Agreement`, `MapData`: values only |
| `load` | `read_image(path, shape)`: raw float image, SMV, `.npy`, the folder of a run |
| `measure` | `statistics(image)`, `agreement(reference, candidate, tolerance)`, `map_data(…)` |
| `peaks` | `find_peaks(image)`: the brightest spots |
| `pool` | `pool(data, layer, window, size)`: blocks of pixels, each by its largest value; never an average |
| `levels` | `Scale`: sixteen levels, linear or logarithmic, from zero up or around zero |
| `traced` | `traced_maps(comparison)`: the traced pixels of two traces as images |
| `report` | the same in words: text and JSON |

Pixels are (slow, fast), counted on the whole detector also where an image holds only a part of it (`Image.origin`).
"""
