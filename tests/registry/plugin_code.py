"""The source code of a working plugin with one backbone."""

GOOD = '''
"""A plugin that works."""
from ctcbench import ImageSpec, backbone, hookimpl

@backbone
def {name}(image: ImageSpec):
    """One convolution."""
    from torch import nn
    return nn.Conv2d(image.channels, 4, 3, padding=1)

@hookimpl
def ctcbench_components():
    return [{name}]
'''
