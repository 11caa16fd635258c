#!/usr/bin/env python3
"""Writes the numbers that the tests of src/evaluation/statistics compare with.

usage: python3 scripts/reference-statistics.py > test/fixtures/statistics/reference.json
needs: Debian's python3-numpy, python3-scipy and python3-statsmodels
"""
import json

import numpy
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

random = numpy.random.default_rng(20261130)


def t_quantile(p, df):
    """scipy 1.10's quantile has errors of 1e-9; one of Newton's steps with its distribution function removes them."""
    if p > 0.5:
        return -t_quantile(1 - p, df)
    x = stats.t.ppf(p, df)
    return x - (stats.t.cdf(x, df) - p) / stats.t.pdf(x, df)


def interval(mean, error, df):
    margin = t_quantile(0.975, df) * error
    return {"mean": mean, "standardError": error, "low": mean - margin, "high": mean + margin}


def clustered(values, clusters):
    fit = sm.OLS(values, numpy.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": numpy.unique(clusters, return_inverse=True)[1]}, use_t=True
    )
    return interval(fit.params[0], fit.bse[0], len(set(clusters)) - 1)


def observations(count, clusters):
    names = [f"c{i}" for i in random.integers(0, clusters, count)]
    effects = {name: random.normal() for name in sorted(set(names))}
    values = [float(random.normal() + effects[name]) for name in names]
    return {"values": values, "clusters": names, **clustered(numpy.array(values), names)}


def simple(count):
    values = [float(value) for value in random.beta(2, 1, count)]
    return {"values": values, **interval(numpy.mean(values), stats.sem(values), count - 1)}


def proportions():
    for successes, trials in [(0, 12), (1, 30), (15, 30), (29, 30), (700, 1000), (1000, 1000)]:
        wilson = proportion_confint(successes, trials, method="wilson")
        exact = proportion_confint(successes, trials, method="beta")
        yield {"successes": successes, "trials": trials, "wilson": wilson, "exact": exact}


def signed_permutations():
    for count in (4, 9, 12):
        values = [float(value) for value in random.normal(0.3, 1, count)]
        test = stats.permutation_test((values,), numpy.mean, permutation_type="samples", n_resamples=numpy.inf)
        yield {"values": values, "p": test.pvalue}


p_values = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.01, 0.9, 0.011, 0.04, 0.04], [1e-9, 0.051, 0.049]]
degrees = [1, 2, 4, 9, 29.5, 99, 999]
levels = [0.0005, 0.01, 0.2, 0.5, 0.9, 0.975, 0.9999]
print(
    json.dumps(
        {
            "versions": {"numpy": numpy.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
            "studentQuantile": [[p, df, t_quantile(p, df)] for df in degrees for p in levels],
            "studentCdf": [[t, df, stats.t.cdf(t, df)] for df in degrees for t in (-30, -2.1, -0.01, 0, 0.3, 1.96, 12)],
            "normalQuantile": [[p, stats.norm.ppf(p)] for p in levels],
            "normalCdf": [[z, stats.norm.cdf(z)] for z in (-8, -3, -1.96, -0.1, 0, 0.5, 1, 2.5, 6)],
            "binomialCdf": [
                [k, n, p, stats.binom.cdf(k, n, p)]
                for k, n, p in [(0, 5, 0.5), (3, 10, 0.5), (40, 100, 0.5), (499, 1000, 0.5), (2, 30, 0.02), (980, 1000, 0.98)]
            ],
            "betaCdf": [
                [x, a, b, special.betainc(a, b, x)]
                for x, a, b in [(0.1, 0.5, 0.5), (0.3, 2, 5), (0.99, 40, 3), (0.5, 300, 310), (0.001, 1, 900)]
            ],
            "logGamma": [[x, special.gammaln(x)] for x in (0.1, 0.5, 1, 1.5, 3, 17.25, 400, 1e6)],
            "clustered": [observations(40, 8), observations(120, 30), observations(12, 12)],
            "simple": [simple(3), simple(30), simple(400)],
            "proportions": list(proportions()),
            "mcnemar": [
                [won, lost, mcnemar([[0, won], [lost, 0]], exact=True).pvalue]
                for won, lost in [(0, 0), (1, 0), (5, 1), (10, 3), (40, 60), (8, 8), (130, 90)]
            ],
            "permutation": list(signed_permutations()),
            "corrections": [
                {
                    "p": values,
                    "holm": multipletests(values, method="holm")[1].tolist(),
                    "benjaminiHochberg": multipletests(values, method="fdr_bh")[1].tolist(),
                }
                for values in p_values
            ],
        },
        indent=1,
    )
)
