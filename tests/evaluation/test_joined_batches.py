"""join_batches(): batches of different numbers of frames become one."""

import numpy as np

from ctcbench.evaluation.joined_batches import join_batches


def part(frames, lengths):
    return np.full((len(lengths), frames, 3), -1.5, np.float32), np.array(lengths, np.int64)


def test_frames_after_the_length_of_an_image_are_certain_blanks():
    values_NTK, lengths_N = join_batches([part(2, [2, 1]), part(4, [3])])
    assert lengths_N.tolist() == [2, 1, 3]
    assert values_NTK.shape == (3, 4, 3)
    for values_TK, length in zip(values_NTK, lengths_N, strict=True):
        assert (values_TK[:length] == -1.5).all()
        assert (values_TK[length:, 0] == 0).all()
        assert (values_TK[length:, 1:] == -np.inf).all()


def test_images_are_put_into_their_order():
    _, lengths_N = join_batches([part(2, [1, 2]), part(4, [3])], [np.array([2, 0]), np.array([1])])
    assert lengths_N.tolist() == [2, 3, 1]
