"""The rows of the catalogue, as data: name | kind | unit | formula | meaning | aliases.

Kinds: real, vec2, vec3, mat3, int, int3, int4, int6, text; a star marks a quantity that is traced at the first
sample of a pixel and again as used at its end. Read by `braggtrace.quantities`, which explains the columns.
"""

# ruff: noqa: E501 - one row a quantity, however long
ROWS = """
## RUN
detector_convention | text | - | | convention of the laboratory frame |
detector_pivot | text | - | | point that detector rotations leave fixed: beam spot or sample |
xtal_shape | text | - | | shape of the crystal: square, round, gauss, tophat |
fpixels | int | pixel | | detector size along the fast axis |
spixels | int | pixel | | detector size along the slow axis |
pixel_size_meters | real | m | | edge of a pixel |
roi | int4 | pixel | | rendered region xmin xmax ymin ymax, inclusive, fast first |
beam_vec | vec3 | - | | unit vector along the incident beam | beam_vector
polar_vec | vec3 | - | | unit vector of the polarization | polar_vector
vert_vec | vec3 | - | unit(beam × polar) | unit vector normal to beam and polarization |
spindle_axis | vec3 | - | | unit vector of the phi rotation axis |
twotheta_axis | vec3 | - | | two-theta rotation axis, as used (not normalised) |
angles_rad | vec3 | rad | | detector rotations and two-theta |
detector_rotx_deg | real | deg | | detector rotation about x |
detector_roty_deg | real | deg | | detector rotation about y |
detector_rotz_deg | real | deg | | detector rotation about z |
detector_twotheta_deg | real | deg | | detector rotation about the two-theta axis |
beam_center_m | vec2 | m | | beam centre |
initial_fdet | vec3 | - | | fast axis before rotations |
initial_sdet | vec3 | - | | slow axis before rotations |
initial_odet | vec3 | - | | detector normal before rotations |
Rx | mat3 | - | | rotation matrix about x |
Ry | mat3 | - | | rotation matrix about y |
Rz | mat3 | - | | rotation matrix about z |
R_total | mat3 | - | Rz·Ry·Rx | all detector rotations but two-theta |
fdet_after_rotz | vec3 | - | R_total·f | fast axis after rotations about x, y, z |
sdet_after_rotz | vec3 | - | R_total·s | slow axis after rotations about x, y, z |
odet_after_rotz | vec3 | - | R_total·o | detector normal after rotations about x, y, z |
fdet_after_twotheta | vec3 | - | A(axis, 2θ)·f | fast axis after two-theta |
sdet_after_twotheta | vec3 | - | A(axis, 2θ)·s | slow axis after two-theta |
odet_after_twotheta | vec3 | - | A(axis, 2θ)·o | detector normal after two-theta |
fdet_vec | vec3 | - | A(axis, 2θ)·Rz·Ry·Rx·f | fast axis after all rotations | fdet_vector DETECTOR_FAST_AXIS
sdet_vec | vec3 | - | A(axis, 2θ)·Rz·Ry·Rx·s | slow axis after all rotations | sdet_vector DETECTOR_SLOW_AXIS
odet_vec | vec3 | - | A(axis, 2θ)·Rz·Ry·Rx·o | detector normal after all rotations | odet_vector DETECTOR_NORMAL_AXIS
convention_mapping | text | - | | how beam centre maps onto fast and slow |
Xbeam_meters | real | m | | beam centre X in the convention's own axes |
Ybeam_meters | real | m | | beam centre Y in the convention's own axes |
ratio | real | - | ⟨b, R·o⟩ | close distance over distance |
distance_meters | real | m | close_distance / ⟨b, R·o⟩ | sample to detector along the beam | distance_m
term_fast_before_rot | vec3 | m | −Fclose f | part of pix0 along fast, before rotation |
term_slow_before_rot | vec3 | m | −Sclose s | part of pix0 along slow, before rotation |
term_close_before_rot | vec3 | m | close_distance o | part of pix0 along the normal, before rotation |
pix0_before_rotation | vec3 | m | −Fclose f − Sclose s + close_distance o | first pixel's corner before rotation |
pix0_after_rotz | vec3 | m | Rz·Ry·Rx·pix0 | first pixel's corner after rotations about x, y, z |
pix0_after_twotheta | vec3 | m | A(axis, 2θ)·pix0 | first pixel's corner after two-theta |
term_fast | vec3 | m | −Fbeam f | part of pix0 along fast |
term_slow | vec3 | m | −Sbeam s | part of pix0 along slow |
term_beam | vec3 | m | distance b | part of pix0 along the beam |
pix0_vector_meters | vec3 | m | −Fbeam f − Sbeam s + distance b | outer corner of the first pixel | pix0_vector DETECTOR_PIX0_VECTOR
close_distance_meters | real | m | ⟨pix0, o⟩ | shortest distance from sample to detector plane | close_distance_m
Fbeam_meters | real | m | ⟨f, V⟩ | beam spot along fast, after all rotations | Fbeam_m
Sbeam_meters | real | m | ⟨s, V⟩ | beam spot along slow, after all rotations | Sbeam_m
Fclose_meters | real | m | −⟨pix0, f⟩ | nearest point along fast | Fclose_m
Sclose_meters | real | m | −⟨pix0, s⟩ | nearest point along slow | Sclose_m
misset_x_deg | real | deg | | missetting rotation about x |
misset_y_deg | real | deg | | missetting rotation about y |
misset_z_deg | real | deg | | missetting rotation about z |
a_star | vec3 | 1/Å | V*(b × c) | reciprocal cell vector a*, before phi | rot_a_star_A_inv a_star_A_inv
b_star | vec3 | 1/Å | V*(c × a) | reciprocal cell vector b*, before phi | rot_b_star_A_inv b_star_A_inv
c_star | vec3 | 1/Å | V*(a × b) | reciprocal cell vector c*, before phi | rot_c_star_A_inv c_star_A_inv
V_cell_A3 | real | Å³ | 1/⟨a*, b* × c*⟩ | volume of the unit cell | V_cell
cell_a_vec_angstroms | vec3 | Å | V(b* × c*) | cell vector a before phi | a_vec a_vec_angstroms
cell_b_vec_angstroms | vec3 | Å | V(c* × a*) | cell vector b before phi | b_vec b_vec_angstroms
cell_c_vec_angstroms | vec3 | Å | V(a* × b*) | cell vector c before phi | c_vec c_vec_angstroms
Na | int | - | | cells along a |
Nb | int | - | | cells along b |
Nc | int | - | | cells along c |
fudge | real | - | | widening of spots of round, gauss and tophat crystals |
fluence_photons_per_m2 | real | 1/m² | flux·exposure/beamsize² | photons per area | fluence
r_e_meters | real | m | | classical electron radius |
r_e_sqr | real | m² | r_e² | classical electron radius squared |
sources | int | - | | number of sources (directions and wavelengths) |
phisteps | int | - | | number of phi steps |
mosaic_domains | int | - | | number of mosaic domains |
oversample | int | - | | subpixels along each edge of a pixel |
thicksteps | int | - | | number of sensor layers |
steps | int | - | sources·mosaic_domains·phisteps·oversample² | divisor of the pixel's sum |
mosaic_spread_deg | real | deg | | largest mosaic rotation |
detector_thick_meters | real | m | | sensor thickness |
detector_thickstep_meters | real | m | | thickness of one layer |
detector_mu_per_meter | real | 1/m | | absorption coefficient, −1 if unset |
oversample_thick | int | - | | apply capture_fraction at every step |
oversample_polar | int | - | | apply polar at every step |
oversample_omega | int | - | | apply omega_pixel at every step |
nopolar | int | - | | polarization switched off |
point_pixel | int | - | | pixels without area |
curved_det | int | - | | detector curved around the sample |
interpolate | int | - | | tricubic interpolation of F_cell at the start |
polarization | real | - | | Kahn factor |
dmin_angstroms | real | Å | | resolution cut, 0 for none |
default_F | real | - | | structure factor outside the table |
hkls | int | - | | reflections read |
hkl_range | int6 | - | | range of the table: h min, h max, k min, k max, l min, l max |
phi0_deg | real | deg | | phi of the first step |
osc_deg | real | deg | | phi range |
phistep_deg | real | deg | | phi step |
water_size_meters | real | m | | edge of the water cube that gives the background |
I_bg | real | - | 2.57²·r_e²·fluence·w³·1e6·N_A/18 | start value of every pixel's sum |
lambda_meters | real | m | | wavelength |
lambda_angstroms | real | Å | lambda_meters·1e10 | wavelength |
dir | vec3 | - | | unit vector from the sample to the source |
u | mat3 | - | | rotation matrix of a mosaic domain |
## SAMPLE
pixel_pos_meters | vec3 | m | Fdet f + Sdet s + Odet o + pix0 | position of the subpixel | pixel_pos
R_distance_meters | real | m | sqrt(x² + y² + z²) of pixel_pos | distance from sample to subpixel | airpath airpath_m R_distance
obliquity_factor | real | - | close_distance / R | cosine between ray and detector normal |
omega_pixel_sr | real | sr | pixel²/R²·close_distance/R | solid angle of the pixel, at the first sample | solid_angle
diffracted_vec | vec3 | - | pixel_pos / R | unit vector of the diffracted ray | diffracted
incident_vec | vec3 | - | −dir | unit vector of the incident ray | incident
scattering_vec_A_inv | vec3 | 1/m | (diffracted − incident)/λ | scattering vector (1/m in spite of its name) | scattering scattering_vec
stol | real | 1/m | length of scattering_vec / 2 | sin(θ)/λ |
capture_fraction | real* | - | exp(−tΔt µ/ρ) − exp(−(t+1)Δt µ/ρ) | fraction absorbed in the layer |
polar | real* | - | ½(1 + c² − K cos2ψ(1 − c²)) | polarization factor |
## ITERATION
phi_deg | real | deg | phi0 + phistep·phi_tic | spindle angle of the step | phi
rot_a_angstroms | vec3 | Å | U·A(spindle, phi)·a0 | cell vector a after phi and mosaic rotation | rot_a
rot_b_angstroms | vec3 | Å | U·A(spindle, phi)·b0 | cell vector b after phi and mosaic rotation | rot_b
rot_c_angstroms | vec3 | Å | U·A(spindle, phi)·c0 | cell vector c after phi and mosaic rotation | rot_c
ap_y | real | Å | A(spindle, phi)·a0 | y of cell vector a after phi, before mosaic |
bp_y | real | Å | A(spindle, phi)·b0 | y of cell vector b after phi, before mosaic |
cp_y | real | Å | A(spindle, phi)·c0 | y of cell vector c after phi, before mosaic |
hkl_frac | vec3 | - | ⟨a, q⟩, ⟨b, q⟩, ⟨c, q⟩ | fractional Miller indices |
h_frac | real | - | ⟨a, q⟩ | fractional index h | h
k_frac | real | - | ⟨b, q⟩ | fractional index k | k
l_frac | real | - | ⟨c, q⟩ | fractional index l | l
hkl_rounded | int3 | - | ceil(h − 0.5), … | nearest integer indices, halves round down |
h0 | int | - | ceil(h − 0.5) | nearest integer h |
k0 | int | - | ceil(k − 0.5) | nearest integer k |
l0 | int | - | ceil(l − 0.5) | nearest integer l |
F_latt_a | real | - | sin(π N h)/sin(π h) | lattice factor along a |
F_latt_b | real | - | sin(π N k)/sin(π k) | lattice factor along b |
F_latt_c | real | - | sin(π N l)/sin(π l) | lattice factor along c |
F_latt | real | - | F_latt_a·F_latt_b·F_latt_c | lattice factor |
F_cell_interpolated | real | - | tricubic in h, k, l | interpolated structure factor |
F_cell | real | - | F[h0, k0, l0] | structure factor | F_cell_nearest
out_of_bounds | int | - | | index outside the table |
F_cell_squared | real | - | F_cell² | squared structure factor |
F_latt_squared | real | - | F_latt² | squared lattice factor |
I_term | real | - | F_cell²·F_latt² | contribution of one iteration | I_contribution
I_running | real | - | I_running + I_term | the pixel's sum after this iteration |
## PIXEL
I_before_scaling | real | - | Σ F_cell²·F_latt² | the pixel's sum over all iterations | I_before_scaling_pre_polar
cos_2theta | real | - | ⟨incident, diffracted⟩ | cosine of the scattering angle, last source and subpixel | cos2theta
omega_pixel | real | sr | pixel²/R²·close_distance/R | solid angle, as used at the end |
I_pixel_final | real | photons | r_e²·fluence·I_before_scaling/steps·capture·polar·omega | the pixel's value |
floatimage_accumulated | real | photons | float32(I_pixel_final) | the value stored in the image | floatimage
innermost_iterations | int | - | | iterations traced in this pixel |
interpolate_active | int | - | | interpolation still on after this pixel |
"""
