/* A small far-field diffraction program for the tests of `braggtrace capture`.
 *
 * Written for these tests from the description of nanoBragg's behaviour. It has nanoBragg's variable names, loops and
 * flags, and its rotation that is left out at a phi of exactly 0; of the rest only what the tests need: one detector
 * convention, no rotations of the detector, no random numbers.
 *
 * -DSELF_TRACE adds `-trace_pixel SLOW FAST`, which prints what goes on in one pixel.
 * -misbehave hang|crash|fail|garbage|flood|fork does what programs do when a test of them is due; -misbehave_at SLOW
 * FAST does it in one pixel only.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum { SAMPLE, BEAM } pivot_t;
typedef enum { CUSTOM, ADXV, MOSFLM } convention_t;
typedef enum { UNKNOWN, SQUARE, ROUND } shape_t;

static const double RTD = 180.0 * 0.31830988618379067154;
static const char *misbehave = "";
static int misbehave_slow = -1, misbehave_fast = -1;

static double dot_product(const double *x, const double *y) { return x[1] * y[1] + x[2] * y[2] + x[3] * y[3]; }

static double magnitude(double *v)
{
    v[0] = sqrt(v[1] * v[1] + v[2] * v[2] + v[3] * v[3]);
    return v[0];
}

static double unitize(double *v, double *u)
{
    double length = magnitude(v);
    for (int axis = 1; axis <= 3; ++axis) u[axis] = v[axis] / length;
    u[0] = 1.0;
    return length;
}

static void cross_product(const double *x, const double *y, double *z)
{
    z[1] = x[2] * y[3] - x[3] * y[2];
    z[2] = x[3] * y[1] - x[1] * y[3];
    z[3] = x[1] * y[2] - x[2] * y[1];
}

static void rotate_axis(const double *v, double *turned, const double *axis, double angle)
{
    double along = dot_product(axis, v) * (1.0 - cos(angle)), across[4];
    cross_product(axis, v, across);
    for (int i = 1; i <= 3; ++i) turned[i] = axis[i] * along + v[i] * cos(angle) + across[i] * sin(angle);
}

static void rotate_umat(const double *v, double *turned, const double *umat)
{
    for (int i = 0; i < 3; ++i) turned[i + 1] = umat[3 * i] * v[1] + umat[3 * i + 1] * v[2] + umat[3 * i + 2] * v[3];
}

static double sincg(double x, double N)
{
    return x == 0.0 ? N : sin(x * N) / sin(x);
}

static double sinc3(double x)
{
    return x == 0.0 ? 1.0 : 3.0 * (sin(x) / x - cos(x)) / (x * x);
}

static double polarization_factor(double kahn_factor, double *incident, double *diffracted, const double *axis)
{
    double cos2theta = dot_product(incident, diffracted), sin2theta_sqr = 1.0 - cos2theta * cos2theta, psi = 0.0;
    if (kahn_factor != 0.0) {
        double B_in[4], E_in[4];
        cross_product(axis, incident, B_in);
        unitize(B_in, B_in);
        cross_product(incident, B_in, E_in);
        unitize(E_in, E_in);
        psi = -atan2(dot_product(diffracted, B_in), dot_product(diffracted, E_in));
    }
    return 0.5 * (1.0 + cos2theta * cos2theta - kahn_factor * cos(2 * psi) * sin2theta_sqr);
}

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "ERROR: %s %s\n", what, name);
    exit(9);
}

/* A mask: 512 bytes of header with SIZE1 and SIZE2, then 16-bit pixels. */
static unsigned short *read_mask(const char *name, int *fpixels, int *spixels)
{
    char header[513] = "";
    FILE *file = fopen(name, "rb");
    if (file == NULL || fread(header, 512, 1, file) != 1) fail("unable to read", name);
    *fpixels = atoi(strstr(header, "SIZE1=") + 6);
    *spixels = atoi(strstr(header, "SIZE2=") + 6);
    unsigned short *mask = calloc((size_t)*fpixels * *spixels, sizeof *mask);
    if (fread(mask, sizeof *mask, (size_t)*fpixels * *spixels, file) == 0) fail("no pixels in", name);
    fclose(file);
    return mask;
}

#define RANGE 9 /* reflections from -RANGE to RANGE */
static double Fhkl[2 * RANGE + 1][2 * RANGE + 1][2 * RANGE + 1];

static int read_hkl(const char *name, double default_F)
{
    int h, k, l, hkls = 0;
    double F;
    FILE *file = fopen(name, "r");
    if (file == NULL) fail("unable to open", name);
    for (h = 0; h < 2 * RANGE + 1; ++h)
        for (k = 0; k < 2 * RANGE + 1; ++k)
            for (l = 0; l < 2 * RANGE + 1; ++l) Fhkl[h][k][l] = default_F;
    while (fscanf(file, "%d %d %d %lf", &h, &k, &l, &F) == 4) {
        Fhkl[h + RANGE][k + RANGE][l + RANGE] = F;
        ++hkls;
    }
    fclose(file);
    return hkls;
}

static void misbehave_now(int slow, int fast)
{
    if (misbehave_slow >= 0 && (slow != misbehave_slow || fast != misbehave_fast)) return;
    if (!strcmp(misbehave, "hang")) for (;;) pause();
    if (!strcmp(misbehave, "crash")) raise(SIGSEGV);
    if (!strcmp(misbehave, "fail")) fail("asked to", misbehave);
    if (!strcmp(misbehave, "garbage")) {
        for (int byte = 0; byte < 70000; ++byte) putchar(byte * 7 % 256);
        fputs("\nTRACE_C: F_latt \033[2Jnonsense\nTRACE_C: \xff\xfe\n", stdout);
    }
    if (!strcmp(misbehave, "flood")) for (;;) puts("TRACE_C: F_latt 1");
    if (!strcmp(misbehave, "fork") && fork() == 0) for (;;) pause();
}

#ifdef SELF_TRACE
static void print_vector(const char *name, const double *v, double scale)
{
    printf("TRACE_C: %s %.17g %.17g %.17g\n", name, v[1] * scale, v[2] * scale, v[3] * scale);
}
static void print_number(const char *name, double value) { printf("TRACE_C: %s %.17g\n", name, value); }
#endif

int main(int argc, char **argv)
{
    int fpixels = 0, spixels = 0, fpixel, spixel, subS, subF, source, phi_tic, mos_tic, thick_tic, i, imgidx;
    int roi_xmin = -1, roi_xmax = -1, roi_ymin = -1, roi_ymax = -1;
    int oversample = 1, oversample_thick = 0, oversample_polar = 0, oversample_omega = 0, nopolar = 0;
    int sources = 1, phisteps = 1, mosaic_domains = 1, detector_thicksteps = 1, hkls = 0, interpolate = 0;
    int point_pixel = 0, trace_slow = -1, trace_fast = -1;
    double fdet_vector[4] = {0, 0, 0, 1}, sdet_vector[4] = {0, 0, -1, 0}, odet_vector[4] = {0, 1, 0, 0};
    double beam_vector[4] = {0, 1, 0, 0}, polar_vector[4] = {0, 0, 0, 1}, spindle_vector[4] = {0, 0, 0, 1};
    double pix0_vector[4] = {0, 0, 0, 0};
    double pixel_size = 0.1e-3, subpixel_size, distance = 100e-3, close_distance, Fdet, Sdet, Odet, Fbeam, Sbeam;
    double Xbeam = NAN, Ybeam = NAN, airpath, omega_pixel, parallax, capture_fraction, detector_thick = 0.0;
    double detector_thickstep = 0.0, detector_mu = -1.0;
    double lambda0 = 1e-10, lambda, dispersion = 0.0, dispstep = 0.0, stol, dmin = 0.0, polarization = 0.0, polar;
    double r_e_sqr = 7.94079248018965e-30, fluence = 125932015286227086360700780544.0, water_size = 0.0, I_bg;
    double phi0 = 0.0, phistep = 0.0, osc = -1.0, phi, mosaic_spread = 0.0;
    double misset[4] = {0, 0, 0, 0};
    double cell[6] = {0, 0, 0, 90, 90, 90}, V_cell, V_star;
    double a_star[4], b_star[4], c_star[4], a0[4], b0[4], c0[4], ap[4], bp[4], cp[4], a[4], b[4], c[4];
    double Na = 1, Nb = 1, Nc = 1, fudge = 1, steps, h, k, l, F_latt, F_cell, default_F = 0.0, I, test;
    double incident[4], diffracted[4], scattering[4], pixel_pos[4];
    int h0, k0, l0;
    convention_t beam_convention = MOSFLM;
    pivot_t detector_pivot = BEAM;
    shape_t xtal_shape = SQUARE;
    const char *floatfilename = "floatimage.bin", *hklfilename = NULL;
    unsigned short *maskimage = NULL;

    for (i = 1; i < argc; ++i) {
        const char *flag = argv[i];
        int left = argc - 1 - i;
#define IS(word, count) (!strcmp(flag, word) && left >= (count))
#define VALUE atof(argv[i + 1])
        if (IS("-cell", 6)) for (int n = 0; n < 6; ++n) cell[n] = atof(argv[i + 1 + n]);
        if (IS("-misset", 3)) for (int n = 1; n < 4; ++n) misset[n] = atof(argv[i + n]) / RTD;
        if (IS("-N", 1)) Na = Nb = Nc = atoi(argv[i + 1]);
        if (IS("-Na", 1)) Na = atoi(argv[i + 1]);
        if (IS("-lambda", 1)) lambda0 = VALUE / 1e10;
        if (IS("-dispersion", 1)) dispersion = VALUE / 100.0;
        if (IS("-dispsteps", 1)) sources = atoi(argv[i + 1]);
        if (IS("-distance", 1)) distance = VALUE / 1000.0;
        if (IS("-pixel", 1)) pixel_size = VALUE / 1000.0;
        if (IS("-detpixels", 1)) fpixels = spixels = atoi(argv[i + 1]);
        if (IS("-detpixels_x", 1)) fpixels = atoi(argv[i + 1]);
        if (IS("-detpixels_y", 1)) spixels = atoi(argv[i + 1]);
        if (IS("-Xbeam", 1)) Xbeam = VALUE / 1000.0;
        if (IS("-Ybeam", 1)) Ybeam = VALUE / 1000.0;
        if (IS("-detector_thick", 1)) detector_thick = VALUE * 1e-6;
        if (IS("-detector_thicksteps", 1)) detector_thicksteps = atoi(argv[i + 1]);
        if (IS("-detector_abs", 1)) detector_mu = 1.0 / (VALUE * 1e-6);
        if (IS("-phi", 1)) phi0 = VALUE / RTD;
        if (IS("-osc", 1)) osc = VALUE / RTD;
        if (IS("-phisteps", 1)) phisteps = atoi(argv[i + 1]);
        if (IS("-mosaic", 1)) mosaic_spread = VALUE / RTD;
        if (IS("-mosaic_dom", 1)) mosaic_domains = atoi(argv[i + 1]);
        if (IS("-oversample", 1)) oversample = atoi(argv[i + 1]);
        if (IS("-oversample_thick", 0)) oversample_thick = 1;
        if (IS("-oversample_polar", 0)) oversample_polar = 1;
        if (IS("-oversample_omega", 0)) oversample_omega = 1;
        if (IS("-nopolar", 0)) nopolar = 1;
        if (IS("-polar", 1)) polarization = VALUE;
        if (IS("-round_xtal", 0)) xtal_shape = ROUND;
        if (IS("-dmin", 1)) dmin = VALUE * 1e-10;
        if (IS("-water", 1)) water_size = VALUE / 1e6;
        if (IS("-default_F", 1)) default_F = VALUE;
        if (IS("-hkl", 1)) hklfilename = argv[i + 1];
        if (IS("-interpolate", 0)) interpolate = 1;
        if (IS("-floatfile", 1)) floatfilename = argv[i + 1];
        if (IS("-mask", 1)) maskimage = read_mask(argv[i + 1], &fpixels, &spixels);
        if (IS("-roi", 4)) {
            roi_xmin = atoi(argv[i + 1]);
            roi_xmax = atoi(argv[i + 2]);
            roi_ymin = atoi(argv[i + 3]);
            roi_ymax = atoi(argv[i + 4]);
        }
#ifdef SELF_TRACE
        if (IS("-trace_pixel", 2)) {
            trace_slow = atoi(argv[i + 1]);
            trace_fast = atoi(argv[i + 2]);
        }
#endif
        if (IS("-misbehave", 1)) misbehave = argv[i + 1];
        if (IS("-misbehave_at", 2)) {
            misbehave_slow = atoi(argv[i + 1]);
            misbehave_fast = atoi(argv[i + 2]);
        }
    }
    if (cell[0] == 0.0 || (default_F == 0.0 && hklfilename == NULL)) fail("nothing to simulate;", "usage: nanolike FLAGS");
    if (fpixels == 0) fpixels = spixels = 1024;
    if (roi_xmin < 0) roi_xmin = 0;
    if (roi_xmax < 0) roi_xmax = fpixels;
    if (roi_ymin < 0) roi_ymin = 0;
    if (roi_ymax < 0) roi_ymax = spixels;
    if (hklfilename != NULL) hkls = read_hkl(hklfilename, default_F);

    /* detector: the beam hits it head on */
    if (isnan(Xbeam)) Xbeam = (pixel_size * spixels + pixel_size) / 2.0;
    if (isnan(Ybeam)) Ybeam = (pixel_size * fpixels + pixel_size) / 2.0;
    Fbeam = Ybeam + 0.5 * pixel_size;
    Sbeam = Xbeam + 0.5 * pixel_size;
    close_distance = distance;
    for (i = 1; i <= 3; ++i)
        pix0_vector[i] = -Fbeam * fdet_vector[i] - Sbeam * sdet_vector[i] + distance * beam_vector[i];
    subpixel_size = pixel_size / oversample;
    if (detector_thick > 0.0 && detector_mu < 0.0) detector_mu = 1.0 / detector_thick;
    if (detector_thick > 0.0 && detector_thicksteps > 1) detector_thickstep = detector_thick / (detector_thicksteps - 1);
    if (detector_thick > 0.0 && detector_thicksteps <= 1) {
        detector_thicksteps = 2;
        detector_thickstep = detector_thick / 2.0;
    }
    if (detector_thick <= 0.0) detector_thicksteps = 1;

    /* the cell: reciprocal from direct lengths and angles, turned, and back */
    double sine[3], cosine[3], length_star[3], A = 0.0;
    for (i = 0; i < 3; ++i) {
        sine[i] = sin(cell[3 + i] / RTD);
        cosine[i] = cos(cell[3 + i] / RTD);
        A += 0.5 * cell[3 + i] / RTD;
    }
    V_cell = 2.0 * cell[0] * cell[1] * cell[2]
             * sqrt(fabs(sin(A) * sin(A - cell[3] / RTD) * sin(A - cell[4] / RTD) * sin(A - cell[5] / RTD)));
    for (i = 0; i < 3; ++i) length_star[i] = cell[(i + 1) % 3] * cell[(i + 2) % 3] * sine[i] / V_cell;
    double cos_alpha_star = (cosine[1] * cosine[2] - cosine[0]) / (sine[1] * sine[2]);
    double cos_beta_star = (cosine[2] * cosine[0] - cosine[1]) / (sine[2] * sine[0]);
    double cos_gamma_star = (cosine[0] * cosine[1] - cosine[2]) / (sine[0] * sine[1]);
    double sin_gamma_star = cell[2] / V_cell / (length_star[0] * length_star[1]);
    a_star[1] = length_star[0];
    a_star[2] = a_star[3] = b_star[3] = 0.0;
    b_star[1] = length_star[1] * cos_gamma_star;
    b_star[2] = length_star[1] * sin_gamma_star;
    c_star[1] = length_star[2] * cos_beta_star;
    c_star[2] = length_star[2] * (cos_alpha_star - cos_beta_star * cos_gamma_star) / sin_gamma_star;
    c_star[3] = length_star[2] * V_cell / (cell[0] * cell[1] * cell[2] * sin_gamma_star);
    double axes[4][4] = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}, turned[4] = {0, 0, 0, 0};
    for (i = 1; i <= 3; ++i) {
        double *vectors[3] = {a_star, b_star, c_star};
        for (int n = 0; n < 3 && misset[i] != 0.0; ++n) {
            rotate_axis(vectors[n], turned, axes[i], misset[i]);
            memcpy(vectors[n], turned, sizeof turned);
        }
    }
    double *direct[3] = {a0, b0, c0}, *stars[3] = {a_star, b_star, c_star};
    V_star = 1.0 / V_cell;
    for (i = 0; i < 3; ++i) {
        cross_product(stars[(i + 1) % 3], stars[(i + 2) % 3], direct[i]);
        double wanted = cell[i] / V_cell, length = magnitude(direct[i]);
        for (int n = 1; n <= 3; ++n) direct[i][n] *= wanted / length;
    }
    V_cell = 1.0 / V_star;
    for (i = 1; i <= 3; ++i) {
        a0[i] *= V_cell;
        b0[i] *= V_cell;
        c0[i] *= V_cell;
    }
    for (i = 0; i < 3; ++i) {
        cross_product(direct[(i + 1) % 3], direct[(i + 2) % 3], stars[i]);
        for (int n = 1; n <= 3; ++n) stars[i][n] *= V_star;
    }
    for (i = 1; i <= 3; ++i) {
        a0[i] *= 1e-10;
        b0[i] *= 1e-10;
        c0[i] *= 1e-10;
    }
    memcpy(ap, a0, sizeof ap);
    memcpy(bp, b0, sizeof bp);
    memcpy(cp, c0, sizeof cp);

    /* sources in a row: wavelengths only; mosaic domains about the spindle */
    if (phisteps < 1) phisteps = 1;
    if (osc < 0.0) osc = phisteps > 1 ? 1.0 / RTD : 0.0;
    phistep = phisteps > 1 || osc > 0.0 ? osc / phisteps : 0.0;
    if (dispersion <= 0.0) sources = 1;
    if (sources > 1) dispstep = dispersion / (sources - 1);
    double *source_X = calloc(sources, sizeof(double)), *source_Y = calloc(sources, sizeof(double));
    double *source_Z = calloc(sources, sizeof(double)), *source_lambda = calloc(sources, sizeof(double));
    double *mosaic_umats = calloc(9 * (size_t)mosaic_domains, sizeof(double));
    for (source = 0; source < sources; ++source) {
        source_X[source] = -10.0 * beam_vector[1];
        source_Y[source] = -10.0 * beam_vector[2];
        source_Z[source] = -10.0 * beam_vector[3];
        source_lambda[source] = lambda0 * (1.0 + dispstep * source - dispersion / 2.0);
    }
    for (mos_tic = 0; mos_tic < mosaic_domains; ++mos_tic) {
        double *umat = mosaic_umats + 9 * mos_tic, angle = mosaic_spread * mos_tic / mosaic_domains;
        umat[0] = umat[4] = cos(angle);
        umat[1] = -sin(angle);
        umat[3] = sin(angle);
        umat[8] = 1.0;
    }
    I_bg = 2.57 * 2.57 * r_e_sqr * fluence * water_size * water_size * water_size * 1e6 * 6.02214179e23 / 18.0;
    steps = sources * mosaic_domains * phisteps * oversample * oversample;
    float *floatimage = calloc((size_t)fpixels * spixels, sizeof(float));

#ifdef SELF_TRACE
    if (trace_slow >= 0) {
        print_vector("pix0_vector_meters", pix0_vector, 1.0);
        print_vector("fdet_vec", fdet_vector, 1.0);
        print_vector("sdet_vec", sdet_vector, 1.0);
        print_number("distance_meters", distance);
        print_vector("a_star", a_star, 1.0);
        print_vector("cell_a_vec_angstroms", a0, 1e10);
        print_number("V_cell_A3", V_cell);
        print_number("misset_z_deg", misset[3] * RTD);
        print_number("Na", Na);
        printf("TRACE_C: xtal_shape %s\n", xtal_shape == SQUARE ? "SQUARE" : "ROUND");
        print_number("fluence_photons_per_m2", fluence);
        print_number("steps", steps);
        print_number("phistep_deg", phistep * RTD);
        print_number("dmin_angstroms", dmin * 1e10);
        for (source = 0; source < sources; ++source)
            printf("TRACE_C_SOURCE source=%d lambda_meters=%.17g\n", source, source_lambda[source]);
        for (mos_tic = 0; mos_tic < mosaic_domains; ++mos_tic) {
            printf("TRACE_C_MOSAIC mos_tic=%d", mos_tic);
            for (i = 0; i < 9; ++i) printf(" u%d%d=%.17g", i / 3, i % 3, mosaic_umats[9 * mos_tic + i]);
            printf("\n");
        }
    }
#endif

#ifdef _OPENMP
#pragma omp parallel for schedule(static) firstprivate(ap, bp, cp) \
    private(fpixel, subS, subF, source, phi_tic, mos_tic, thick_tic, imgidx, Fdet, Sdet, Odet, airpath, omega_pixel, \
            parallax, capture_fraction, lambda, stol, polar, phi, a, b, c, h, k, l, F_latt, F_cell, I, test, incident, \
            diffracted, scattering, pixel_pos, h0, k0, l0, i)
#endif
    for (spixel = 0; spixel < spixels; ++spixel) {
        for (fpixel = 0; fpixel < fpixels; ++fpixel) {
            int traced = spixel == trace_slow && fpixel == trace_fast, first = 1, iterations = 0;
            imgidx = spixel * fpixels + fpixel;
            if (fpixel < roi_xmin || fpixel > roi_xmax || spixel < roi_ymin || spixel > roi_ymax) continue;
            if (maskimage != NULL && maskimage[imgidx] == 0) continue;
            if (traced || trace_slow < 0) misbehave_now(spixel, fpixel);
#ifdef SELF_TRACE
            if (traced) printf("TRACE_C: pixel %d %d\n", spixel, fpixel);
#endif

            /* each pixel starts from the background */
            I = I_bg;
            polar = nopolar ? 1.0 : 0.0;
            omega_pixel = capture_fraction = 0.0;

            for (thick_tic = 0; thick_tic < detector_thicksteps; ++thick_tic) {
                Odet = thick_tic * detector_thickstep;
                capture_fraction = detector_thick > 0.0 ? 0.0 : 1.0;
                for (subS = 0; subS < oversample; ++subS) {
                    for (subF = 0; subF < oversample; ++subF) {
                        Fdet = subpixel_size * (fpixel * oversample + subF) + subpixel_size / 2.0;
                        Sdet = subpixel_size * (spixel * oversample + subS) + subpixel_size / 2.0;
                        for (i = 1; i <= 3; ++i)
                            pixel_pos[i] = Fdet * fdet_vector[i] + Sdet * sdet_vector[i] + Odet * odet_vector[i]
                                           + pix0_vector[i];
                        airpath = unitize(pixel_pos, diffracted);

                        if (omega_pixel == 0.0 || oversample_omega) {
                            omega_pixel = pixel_size * pixel_size / airpath / airpath * close_distance / airpath;
                            if (point_pixel) omega_pixel = 1.0 / airpath / airpath;
                        }
                        if (capture_fraction == 0.0 || oversample_thick) {
                            parallax = dot_product(diffracted, odet_vector);
                            capture_fraction = exp(-thick_tic * detector_thickstep * detector_mu / parallax)
                                               - exp(-(thick_tic + 1) * detector_thickstep * detector_mu / parallax);
                        }

                        for (source = 0; source < sources; ++source) {
                            incident[1] = -source_X[source];
                            incident[2] = -source_Y[source];
                            incident[3] = -source_Z[source];
                            lambda = source_lambda[source];
                            unitize(incident, incident);
                            for (i = 1; i <= 3; ++i) scattering[i] = (diffracted[i] - incident[i]) / lambda;
                            stol = 0.5 * magnitude(scattering);

#ifdef SELF_TRACE
                            if (traced && first) {
                                print_vector("pixel_pos_meters", pixel_pos, 1.0);
                                print_number("R_distance_meters", airpath);
                                print_number("omega_pixel_sr", omega_pixel);
                                print_number("obliquity_factor", close_distance / airpath);
                                print_vector("diffracted_vec", diffracted, 1.0);
                                print_vector("incident_vec", incident, 1.0);
                                print_number("lambda_meters", lambda);
                                print_number("lambda_angstroms", lambda * 1e10);
                                print_vector("scattering_vec_A_inv", scattering, 1.0);
                            }
#endif
                            /* nothing beyond the resolution limit */
                            if (dmin > 0.0 && stol > 0.0 && dmin > 0.5 / stol) continue;

                            if (polar == 0.0 || oversample_polar)
                                polar = polarization_factor(polarization, incident, diffracted, polar_vector);
#ifdef SELF_TRACE
                            if (traced && first) {
                                print_number("polar", polar);
                                print_number("capture_fraction", capture_fraction);
                            }
                            if (traced)
                                printf("TRACE_C_SUBPIXEL thick_tic=%d subS=%d subF=%d source=%d R_distance_meters=%.17g "
                                       "capture_fraction=%.17g polar=%.17g omega_pixel=%.17g scattering_x=%.17g "
                                       "scattering_y=%.17g scattering_z=%.17g stol=%.17g\n",
                                       thick_tic, subS, subF, source, airpath, capture_fraction, polar, omega_pixel,
                                       scattering[1], scattering[2], scattering[3], stol);
#endif

                            for (phi_tic = 0; phi_tic < phisteps; ++phi_tic) {
                                phi = phi0 + phistep * phi_tic;
                                if (phi != 0.0) {
                                    rotate_axis(a0, ap, spindle_vector, phi);
                                    rotate_axis(b0, bp, spindle_vector, phi);
                                    rotate_axis(c0, cp, spindle_vector, phi);
                                }

                                for (mos_tic = 0; mos_tic < mosaic_domains; ++mos_tic) {
                                    if (mosaic_spread > 0.0) {
                                        rotate_umat(ap, a, &mosaic_umats[mos_tic * 9]);
                                        rotate_umat(bp, b, &mosaic_umats[mos_tic * 9]);
                                        rotate_umat(cp, c, &mosaic_umats[mos_tic * 9]);
                                    } else {
                                        for (i = 1; i <= 3; ++i) {
                                            a[i] = ap[i];
                                            b[i] = bp[i];
                                            c[i] = cp[i];
                                        }
                                    }
                                    h = dot_product(a, scattering);
                                    k = dot_product(b, scattering);
                                    l = dot_product(c, scattering);
                                    h0 = (int)ceil(h - 0.5);
                                    k0 = (int)ceil(k - 0.5);
                                    l0 = (int)ceil(l - 0.5);

                                    F_latt = 1.0;
                                    if (xtal_shape == SQUARE) {
                                        if (Na > 1) F_latt *= sincg(M_PI * h, Na);
                                        if (Nb > 1) F_latt *= sincg(M_PI * k, Nb);
                                        if (Nc > 1) F_latt *= sincg(M_PI * l, Nc);
                                    } else {
                                        double u = (h - h0) * Na, v = (k - k0) * Nb, w = (l - l0) * Nc;
                                        double rad = sqrt((u * u + v * v + w * w) * fudge);
                                        F_latt = rad > 1.0 ? 0.0 : Na * Nb * Nc * 0.723601254558268 * sinc3(M_PI * rad);
                                    }
#ifdef SELF_TRACE
                                    double F_latt_a = Na > 1 ? sincg(M_PI * h, Na) : 1.0;
                                    double F_latt_b = Nb > 1 ? sincg(M_PI * k, Nb) : 1.0;
                                    double F_latt_c = Nc > 1 ? sincg(M_PI * l, Nc) : 1.0;
                                    if (xtal_shape != SQUARE) F_latt_a = F_latt_b = F_latt_c = NAN;
                                    if (traced && first) {
                                        print_vector("rot_a_angstroms", a, 1e10);
                                        print_vector("rot_b_angstroms", b, 1e10);
                                        print_vector("rot_c_angstroms", c, 1e10);
                                        printf("TRACE_C: hkl_frac %.17g %.17g %.17g\n", h, k, l);
                                        printf("TRACE_C: hkl_rounded %d %d %d\n", h0, k0, l0);
                                        print_number("F_latt", F_latt);
                                    }
#endif
                                    F_cell = NAN;
                                    if (F_latt != 0.0 || water_size != 0.0) {
                                        /* one reflection, the nearest one */
                                        F_cell = default_F;
                                        if (hkls && abs(h0) <= RANGE && abs(k0) <= RANGE && abs(l0) <= RANGE)
                                            F_cell = Fhkl[h0 + RANGE][k0 + RANGE][l0 + RANGE];
                                        I += F_cell * F_cell * F_latt * F_latt;
                                        if (oversample_thick) I *= capture_fraction;
                                        if (oversample_polar) I *= polar;
                                        if (oversample_omega) I *= omega_pixel;
                                    }
#ifdef SELF_TRACE
                                    if (traced && first && !isnan(F_cell)) print_number("F_cell", F_cell);
                                    if (traced)
                                        printf("TRACE_C_PHI phi_tic=%d mos_tic=%d source=%d subS=%d subF=%d "
                                               "thick_tic=%d phi_deg=%.17g rot_a_x=%.17g rot_a_y=%.17g rot_a_z=%.17g "
                                               "rot_b_x=%.17g rot_b_y=%.17g rot_b_z=%.17g rot_c_x=%.17g rot_c_y=%.17g "
                                               "rot_c_z=%.17g h_frac=%.17g k_frac=%.17g l_frac=%.17g h0=%d k0=%d "
                                               "l0=%d F_latt_a=%.17g F_latt_b=%.17g F_latt_c=%.17g F_latt=%.17g "
                                               "F_cell=%.17g I_term=%.17g I_running=%.17g\n",
                                               phi_tic, mos_tic, source, subS, subF, thick_tic, phi * RTD,
                                               a[1] * 1e10, a[2] * 1e10, a[3] * 1e10, b[1] * 1e10, b[2] * 1e10,
                                               b[3] * 1e10, c[1] * 1e10, c[2] * 1e10, c[3] * 1e10, h, k, l, h0, k0, l0,
                                               F_latt_a, F_latt_b, F_latt_c, F_latt, F_cell,
                                               isnan(F_cell) ? 0.0 : F_cell * F_cell * F_latt * F_latt, I);
                                    if (traced) ++iterations;
                                    first = 0;
#endif
                                }
                            }
                        }
                    }
                }
            }

            test = r_e_sqr * fluence * I / steps;
            if (!oversample_thick) test *= capture_fraction;
            if (!oversample_polar) test *= polar;
            if (!oversample_omega) test *= omega_pixel;
            floatimage[imgidx] += test;
#ifdef SELF_TRACE
            if (traced) {
                print_number("I_before_scaling", I);
                print_number("r_e_sqr", r_e_sqr);
                print_number("capture_fraction", capture_fraction);
                print_number("polar", polar);
                print_number("omega_pixel", omega_pixel);
                print_number("cos_2theta", dot_product(incident, diffracted));
                print_number("I_pixel_final", test);
                print_number("floatimage_accumulated", floatimage[imgidx]);
                print_number("innermost_iterations", iterations);
            }
#endif
            (void)traced, (void)first, (void)iterations;
        }
    }

    FILE *file = fopen(floatfilename, "wb");
    if (file == NULL) fail("unable to open", floatfilename);
    fwrite(floatimage, sizeof(float), (size_t)fpixels * spixels, file);
    fclose(file);
    double sum = 0.0;
    for (spixel = 0; spixel < spixels; ++spixel)
        for (fpixel = 0; fpixel < fpixels; ++fpixel) sum += floatimage[spixel * fpixels + fpixel];
    printf("pixels: %d x %d, convention %d, pivot %d, sum %g\n", fpixels, spixels, beam_convention, detector_pivot, sum);
    (void)interpolate;
    return 0;
}
