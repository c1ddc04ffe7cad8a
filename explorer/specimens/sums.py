"""Sums of two ten-digit numbers as token rows: a + b =, then the sum from its last digit on, then the end."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from explorer.shapes import Int

N_DIGITS = 10
TOKENS = "0123456789+=_."  # one character each; "_" is never used, "." ends the sum
PLUS, EQUALS, END = (TOKENS.index(sign) for sign in "+=.")
N_PROMPT = 2 * N_DIGITS + 2
N_OUT = N_DIGITS + 2  # eleven digits and the end
N_POS = N_PROMPT + N_OUT - 1  # positions that are read; the end is only predicted
READ = slice(N_PROMPT - 1, N_POS)  # where the outputs are predicted
CHAIN = 0.8  # share of columns that add to nine in a sum with long carries


def digits(numbers: Int[ndarray, "n"], n_digits: int) -> Int[ndarray, "n n_digits"]:
    """The decimal digits of each number, the last one (units) first."""
    return numbers[:, None] // 10 ** np.arange(n_digits) % 10


def rows(a: Int[ndarray, "n"], b: Int[ndarray, "n"]) -> Int[ndarray, "n row"]:
    """Token rows of ``N_PROMPT + N_OUT``: the prompt with leading zeros, the sum reversed, the end."""
    sign = np.ones((len(a), 1), dtype=a.dtype)
    forwards = [digits(each, N_DIGITS)[:, ::-1] for each in (a, b)]
    total = digits(a + b, N_DIGITS + 1)
    return np.concatenate([forwards[0], PLUS * sign, forwards[1], EQUALS * sign, total, END * sign], 1)


def random_sums(
    n: int, rng: np.random.Generator, longest: int = N_DIGITS, shortest: int = N_DIGITS
) -> tuple[Int[ndarray, "n"], Int[ndarray, "n"]]:
    """Two numbers for each of ``n`` sums, both below 10 to a length drawn for each sum."""
    below = 10 ** rng.integers(shortest, longest + 1, n)
    return rng.integers(0, below), rng.integers(0, below)


def short_sums(n: int, rng: np.random.Generator, longest: int) -> tuple[Int[ndarray, "n"], Int[ndarray, "n"]]:
    """Numbers of one to ``longest`` digits, both moved up by equally many columns, drawn for each sum."""
    length = rng.integers(1, longest + 1, n)
    moved = 10 ** rng.integers(0, N_DIGITS + 1 - length)
    return rng.integers(0, 10**length) * moved, rng.integers(0, 10**length) * moved


def sparse_sums(n: int, rng: np.random.Generator) -> tuple[Int[ndarray, "n"], Int[ndarray, "n"]]:
    """Numbers with zeros strewn in: the chance that a digit is drawn at all is drawn for each sum."""
    filled = rng.random((n, 1))
    place = 10 ** np.arange(N_DIGITS)
    a, b = (np.where(rng.random((n, N_DIGITS)) < filled, rng.integers(0, 10, (n, N_DIGITS)), 0) for _ in range(2))
    return a @ place, b @ place


def round_sums() -> tuple[Int[ndarray, "n"], Int[ndarray, "n"]]:
    """All sums of two numbers that have at most one digit other than zero."""
    numbers = np.append(np.outer(10 ** np.arange(N_DIGITS), np.arange(1, 10)), 0)
    a, b = np.meshgrid(numbers, numbers)
    return a.ravel(), b.ravel()


def carry_sums(n: int, rng: np.random.Generator) -> tuple[Int[ndarray, "n"], Int[ndarray, "n"]]:
    """Sums in which a column adds to nine with chance ``CHAIN``, so that carries run far."""
    a, b = (rng.integers(0, 10, (n, N_DIGITS)) for _ in range(2))
    b = np.where(rng.random(a.shape) < CHAIN, 9 - a, b)
    place = 10 ** np.arange(N_DIGITS)
    return a @ place, b @ place


def carries(a: Int[ndarray, "n"], b: Int[ndarray, "n"]) -> Int[ndarray, "n n_digits"]:
    """Whether a carry comes into each column, units first; the last column is the eleventh."""
    place = 10 ** np.arange(N_DIGITS + 1)
    return ((a[:, None] % place + b[:, None] % place) >= place).astype(int)


def longest_chain(a: Int[ndarray, "n"], b: Int[ndarray, "n"]) -> Int[ndarray, "n"]:
    """How many columns in a row the longest carry runs through: 0 without any carry."""
    coming = carries(a, b)
    made = (digits(a, N_DIGITS) + digits(b, N_DIGITS)) >= 10  # a carry that starts here
    run = np.zeros(len(a), dtype=int)
    longest = run.copy()
    for column in range(N_DIGITS):
        out = coming[:, column + 1] == 1
        run = np.where(out, np.where(made[:, column], 1, run + 1), 0)
        longest = np.maximum(longest, run)
    return longest
