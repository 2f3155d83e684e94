/* With means, squares and the product under a window as moments m, a window's similarity is
 *
 *   l = (2 ma mb + C1)/(ma^2 + mb^2 + C1)
 *   s = (2 (mab - ma mb) + C2)/(maa + mbb - ma^2 - mb^2 + C2)
 *
 * multiplied. The moments are weighted sums over a window's pixels, so the derivative with respect
 * to a pixel is the same weighted sum, over the windows that it is in, of the derivatives with
 * respect to their moments. Both sums are taken along rows first, then along columns. */
#include "ssim.h"

#include <math.h>

#define SIGMA 1.5
#define C1 (0.01 * 0.01)
#define C2 (0.03 * 0.03)

enum { WINDOW = CONVLSTM__SSIM_WINDOW, MOMENTS = 5, SLOPES = 3 };
enum { MEAN_A, MEAN_B, SQUARE_A, SQUARE_B, PRODUCT }; /* the moments */
enum { TO_MEAN, TO_SQUARE, TO_PRODUCT };              /* slopes: with respect to those of a */

/* What a frame's channel is worked on with. */
typedef struct channel {
    size_t height, width, step; /* of the frame; from one pixel to the next */
    size_t rows, columns;       /* places of the window */
    double window[WINDOW];
    double *moments; /* (height, columns, MOMENTS) */
    double *slopes;  /* (rows, columns, SLOPES) */
    double *spread;  /* (height, columns, SLOPES) */
} channel;

static void gaussian(double w[WINDOW])
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        double x = i - WINDOW / 2;
        sum += w[i] = exp(-x * x / (2 * SIGMA * SIGMA));
    }
    for (int i = 0; i < WINDOW; i++) w[i] /= sum;
}

nbase_status convlstm__ssim_ready(convlstm_trainer *t, size_t k, const convlstm__shape *shape)
{
    char text[CONVLSTM__SHAPE_TEXT];
    size_t side = WINDOW;
    if (shape->height < side || shape->width < side)
        return nbase__fail(&t->error, NBASE_ERR_SHAPE,
                           "trainer: ssim compares frames of at least %dx%d; output %s is %s",
                           WINDOW, WINDOW, t->model->layers[t->model->outputs[k]]->name,
                           convlstm__shape_text(shape, text));
    size_t doubles = shape->height * (shape->width - side + 1) * (MOMENTS + 2 * SLOPES);
    if (!convlstm__reserve(&t->env, &t->ssim, (size_t)t->threads, doubles * sizeof(double)))
        return NBASE_OK;
    return nbase__fail(&t->error, NBASE_ERR_NOMEM, "trainer: out of memory for ssim");
}

double *convlstm__ssim_of_thread(const convlstm_trainer *t, int thread)
{
    size_t each = t->ssim.bytes / sizeof(double) / (size_t)t->threads;
    return (double *)t->ssim.data + (size_t)thread * each;
}

/* The moments of rows of the windows. */
static void along_rows(const channel *c, const float *a, const float *b)
{
    for (size_t y = 0; y < c->height; y++)
        for (size_t x = 0; x < c->columns; x++) {
            double *m = c->moments + (y * c->columns + x) * MOMENTS;
            for (int k = 0; k < MOMENTS; k++) m[k] = 0;
            for (size_t i = 0; i < WINDOW; i++) {
                size_t at = (y * c->width + x + i) * c->step;
                double p = a[at], q = b[at], w = c->window[i];
                m[MEAN_A] += w * p;
                m[MEAN_B] += w * q;
                m[SQUARE_A] += w * p * p;
                m[SQUARE_B] += w * q * q;
                m[PRODUCT] += w * p * q;
            }
        }
}

/* The similarity of a window, and its slopes. */
static double similarity(const double m[MOMENTS], double slopes[SLOPES])
{
    double a = m[MEAN_A], b = m[MEAN_B], below = a * a + b * b + C1, l = (2 * a * b + C1) / below,
           spread = m[SQUARE_A] + m[SQUARE_B] - a * a - b * b + C2,
           s = (2 * (m[PRODUCT] - a * b) + C2) / spread;
    slopes[TO_MEAN] = (2 * b - 2 * a * l) / below * s + l * (2 * a * s - 2 * b) / spread;
    slopes[TO_SQUARE] = -l * s / spread;
    slopes[TO_PRODUCT] = 2 * l / spread;
    return l * s;
}

/* The sum of all windows' similarities, and their slopes. */
static double along_columns(const channel *c)
{
    double sum = 0;
    for (size_t y = 0; y < c->rows; y++)
        for (size_t x = 0; x < c->columns; x++) {
            double m[MOMENTS] = {0};
            for (size_t i = 0; i < WINDOW; i++)
                for (size_t k = 0; k < MOMENTS; k++)
                    m[k] += c->window[i] * c->moments[((y + i) * c->columns + x) * MOMENTS + k];
            sum += similarity(m, c->slopes + (y * c->columns + x) * SLOPES);
        }
    return sum;
}

/* The slopes of the windows that each row of the frame is in. */
static void spread_columns(const channel *c)
{
    for (size_t y = 0; y < c->height; y++)
        for (size_t x = 0; x < c->columns; x++)
            for (size_t k = 0; k < SLOPES; k++) {
                double sum = 0;
                for (size_t i = 0; i < WINDOW && i <= y; i++)
                    if (y - i < c->rows)
                        sum += c->window[i] * c->slopes[((y - i) * c->columns + x) * SLOPES + k];
                c->spread[(y * c->columns + x) * SLOPES + k] = sum;
            }
}

/* The same along rows, and from it the gradient to each pixel. */
static void spread_rows(const channel *c, const float *a, const float *b, double weight,
                        float *gradient)
{
    for (size_t y = 0; y < c->height; y++)
        for (size_t x = 0; x < c->width; x++) {
            double to[SLOPES] = {0};
            for (size_t i = 0; i < WINDOW && i <= x; i++)
                for (size_t k = 0; x - i < c->columns && k < SLOPES; k++)
                    to[k] += c->window[i] * c->spread[(y * c->columns + x - i) * SLOPES + k];
            size_t at = (y * c->width + x) * c->step;
            gradient[at] = (float)(weight * (to[TO_MEAN] + 2 * (double)a[at] * to[TO_SQUARE] +
                                             (double)b[at] * to[TO_PRODUCT]));
        }
}

double convlstm__ssim(const convlstm__shape *shape, const float *a, const float *b, double weight,
                      float *gradient, double *scratch)
{
    channel c = {.height = shape->height,
                 .width = shape->width,
                 .step = shape->channels,
                 .rows = shape->height - WINDOW + 1,
                 .columns = shape->width - WINDOW + 1};
    gaussian(c.window);
    c.moments = scratch;
    c.spread = c.moments + c.height * c.columns * MOMENTS;
    c.slopes = c.spread + c.height * c.columns * SLOPES;
    double share = weight / (double)(c.rows * c.columns * c.step), sum = 0;
    for (size_t k = 0; k < c.step; k++) {
        along_rows(&c, a + k, b + k);
        sum += along_columns(&c);
        if (!gradient) continue;
        spread_columns(&c);
        spread_rows(&c, a + k, b + k, -share, gradient + k);
    }
    return weight - share * sum;
}
