/* mahalanobis.h - how far a vector is from those of a group of people, in units of how they are
 * spread: the Mahalanobis distance, with the covariance shrunk towards a multiple of the identity
 * (Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
 * 2004), so that it exists with fewer people than numbers. Each number is first divided by its
 * standard deviation over the group.
 *
 * Distances of the group's own people are measured by tenths: each tenth from the other nine, so
 * that nobody helped to shape what they are compared with. How rare a new distance is, is its place
 * among those. */
#ifndef SKIN_MAHALANOBIS_H
#define SKIN_MAHALANOBIS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mahalanobis {
    size_t size;      /* numbers of a vector; 0: nothing is known */
    double *mean;     /* (size) */
    double *scale;    /* (size) standard deviations, kept above zero */
    double *inverse;  /* (size, size) of the shrunk covariance of what was divided by scale */
    double shrinkage; /* 0: the covariance as it is; 1: all directions alike */
    double *distance; /* (people) of the group's own, rising */
    size_t people;
} mahalanobis;

enum { MAHALANOBIS_LEAST = 20 }; /* people of a group */

/* Fits a group of n people, rows of (n, size). False: fewer than MAHALANOBIS_LEAST, a value that is
 * not finite, or out of memory; *out is then empty. Freed with mahalanobis_free. */
bool mahalanobis_fit(const double *rows, size_t n, size_t size, mahalanobis *out);

/* Leaves it empty; safe on an empty one. */
void mahalanobis_free(mahalanobis *m);

/* The distance of a vector, divided by the root of its size: about 1 for the group's people. */
double mahalanobis_distance(const mahalanobis *m, const double *vector);

/* (1 + people of the group who are as far away) / (1 + people): for someone like them below p with
 * a probability of at most about p. */
double mahalanobis_p(const mahalanobis *m, double distance);

#endif
