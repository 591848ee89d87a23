"""API catalogues: the signed file by which an API's maker speaks to the developers who use it.

    YAML + docs inventory -> document -> signed envelope -> any web server -> subscriber's shelf

A catalogue is pulled and matched on the subscriber's machine; it reports nothing to anybody.
"""
