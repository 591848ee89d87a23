"""The golden table: what expressions lead to, written by hand from the published docs.

A block is a prelude and expressions after it, each with the documented name that its last
identifier (or the one before the mark) must lead to. `-` means that no exact page exists in the
docs at hand (of an older release, or the name is undocumented), so that any exact link is false.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MARK = "║"

STDLIB = """
import os, sys, re, json, io, math, random, logging, datetime as dt, subprocess, threading, asyncio
import collections, itertools, functools, pathlib, shutil, tempfile, csv, sqlite3, socket, time
import concurrent.futures as cf, contextlib, dataclasses, enum, typing, urllib.parse, urllib.request
import os.path as osp
from pathlib import Path
from collections import defaultdict, OrderedDict, Counter
from dataclasses import dataclass, field
text = "abc"
data = b"abc"
items = [1, 2]
table = {"a": 1}
home = Path("x")
log = logging.getLogger(__name__)
pattern = re.compile("x")
now = dt.datetime.now()
counter = Counter()
---
os.path.join | os.path.join
osp.basename | os.path.basename
os.getcwd | os.getcwd
os.environ | os.environ
os.environ.get | -
os.environ║.get | os.environ
sys.argv | sys.argv
sys.stdout.write | io.TextIOBase.write
re.sub | re.sub
pattern.match | re.Pattern.match
pattern.findall | re.Pattern.findall
re.match("a", "b").group | re.Match.group
json.dumps | json.dumps
json.JSONDecodeError | json.JSONDecodeError
json.JSONEncoder().encode | json.JSONEncoder.encode
io.StringIO | io.StringIO
io.StringIO().getvalue | io.StringIO.getvalue
io.BytesIO().read | io.BytesIO.read / io.BufferedIOBase.read / io.RawIOBase.read
open | open
open("x").readline | io.TextIOBase.readline
math.sqrt | math.sqrt
random.choice | random.choice
log.info | logging.Logger.info
log.setLevel | logging.Logger.setLevel
logging.getLogger | logging.getLogger
logging.StreamHandler | logging.StreamHandler
now.isoformat | datetime.datetime.isoformat
dt.datetime.strptime | datetime.datetime.strptime
dt.timedelta | datetime.timedelta
(now - now).total_seconds | datetime.timedelta.total_seconds
subprocess.run | subprocess.run
subprocess.run([]).stdout | subprocess.CompletedProcess.stdout
subprocess.Popen([]).communicate | subprocess.Popen.communicate
subprocess.PIPE | subprocess.PIPE
threading.Thread(target=f).start | threading.Thread.start
threading.Lock | threading.Lock
threading.Event().wait | threading.Event.wait
asyncio.run | asyncio.run
asyncio.gather | asyncio.gather
asyncio.Queue().put | asyncio.Queue.put
asyncio.create_task | asyncio.create_task
collections.deque | collections.deque
collections.deque().appendleft | collections.deque.appendleft
defaultdict | collections.defaultdict
counter.most_common | collections.Counter.most_common
OrderedDict().move_to_end | collections.OrderedDict.move_to_end
OrderedDict().get | dict.get
itertools.chain | itertools.chain
itertools.chain.from_iterable | itertools.chain.from_iterable
functools.partial | functools.partial
functools.lru_cache | functools.lru_cache
home.read_text | pathlib.Path.read_text
home.exists | pathlib.Path.exists
home.joinpath | pathlib.PurePath.joinpath
home.parent.mkdir | pathlib.Path.mkdir
home.with_suffix | pathlib.PurePath.with_suffix
Path.home | pathlib.Path.home
shutil.copytree | shutil.copytree
tempfile.TemporaryDirectory | tempfile.TemporaryDirectory
csv.reader | csv.reader
csv.DictReader | csv.DictReader
sqlite3.connect | sqlite3.connect
sqlite3.connect("x").execute | sqlite3.Connection.execute
sqlite3.connect("x").cursor().fetchall | sqlite3.Cursor.fetchall
socket.socket().connect | socket.socket.connect
time.sleep | time.sleep
cf.ThreadPoolExecutor | concurrent.futures.ThreadPoolExecutor
cf.ThreadPoolExecutor().submit(f).result | concurrent.futures.Future.result
contextlib.suppress | contextlib.suppress
dataclass | dataclasses.dataclass
field | dataclasses.field
enum.Enum | enum.Enum
typing.NamedTuple | typing.NamedTuple
urllib.parse.urlsplit | urllib.parse.urlsplit
urllib.request.urlopen | urllib.request.urlopen
text.join | str.join
text.split("x")[0].strip | str.strip
f"{text}".format | str.format
data.decode | bytes.decode
items.append | -
items.sort | list.sort
table.items | dict.items
table.setdefault | dict.setdefault
{1}.union | frozenset.union
len | len
sorted | sorted
isinstance | isinstance
ValueError | ValueError
super().__init__ | -
undefined_thing.join | -
"""

REQUESTS = """
import requests
from requests.exceptions import HTTPError
session = requests.Session()
response = requests.get("https://h.example")
---
requests.get | requests.get
requests.post | requests.post
requests.Session | requests.Session
session.get | requests.Session.get
session.mount | requests.Session.mount
session.headers | requests.Session.headers
response.json | requests.Response.json
response.raise_for_status | requests.Response.raise_for_status
response.status_code | requests.Response.status_code
response.iter_content | requests.Response.iter_content
requests.Request("GET", "u").prepare | requests.Request.prepare
requests.adapters.HTTPAdapter | requests.adapters.HTTPAdapter
requests.get("x").text | requests.Response.text
HTTPError | requests.HTTPError
"""

FLASK = """
import flask
from flask import Flask, request, session, jsonify, render_template, Blueprint, g, url_for
app = Flask(__name__)
pages = Blueprint("pages", __name__)
---
Flask | flask.Flask
app.route | flask.Flask.route
app.run | flask.Flask.run
app.config | flask.Flask.config
app.config.from_object | flask.Config.from_object
app.errorhandler | flask.Flask.errorhandler
app.test_client | flask.Flask.test_client
app.before_request | flask.Flask.before_request
pages.route | flask.Blueprint.route
pages.add_url_rule | flask.Blueprint.add_url_rule
app.register_blueprint | flask.Flask.register_blueprint
request.args | flask.Request.args
request.get_json | flask.Request.get_json
request.method | flask.Request.method
flask.abort | flask.abort
flask.redirect | flask.redirect
jsonify | flask.json.jsonify
render_template | flask.render_template
url_for | flask.url_for
session | flask.session
g | flask.g
flask.make_response | flask.make_response
"""

NUMPY = """
import numpy as np
import numpy.linalg as la
from numpy.random import normal
---
np.array | numpy.array
np.zeros | numpy.zeros
np.arange | numpy.arange
np.linalg.norm | numpy.linalg.norm
la.inv | numpy.linalg.inv
np.ndarray | numpy.ndarray
np.mean | numpy.mean
np.concatenate | numpy.concatenate
np.where | numpy.where
np.fft.fft | numpy.fft.fft
np.random.seed | numpy.random.seed
normal | numpy.random.normal
np.dtype | numpy.dtype
np.random.default_rng | -
np.pi | -
np.save | numpy.save
"""

PANDAS = """
import pandas as pd
from pandas import DataFrame
df = pd.DataFrame({"a": [1]})
s = pd.Series([1])
---
pd.DataFrame | pandas.DataFrame
pd.read_csv | pandas.read_csv
pd.concat | pandas.concat
pd.to_datetime | pandas.to_datetime
pd.Series | pandas.Series
df.head | pandas.DataFrame.head
df.groupby | pandas.DataFrame.groupby
df.merge | pandas.DataFrame.merge
df.to_csv | pandas.DataFrame.to_csv
df.columns | pandas.DataFrame.columns
df.drop_duplicates | pandas.DataFrame.drop_duplicates
df.reset_index | pandas.DataFrame.reset_index
DataFrame.pivot_table | pandas.DataFrame.pivot_table
pd.read_csv("x").dropna | pandas.DataFrame.dropna
s.value_counts | pandas.Series.value_counts
s.map | pandas.Series.map
pd.Timestamp.now | pandas.Timestamp.now
pd.options | -
"""

SQLALCHEMY = """
import sqlalchemy as sa
from sqlalchemy import create_engine, select, Column, Integer, String, ForeignKey, MetaData, Table
from sqlalchemy.orm import Session, relationship, sessionmaker, declarative_base
engine = create_engine("sqlite://")
session = Session(engine)
---
create_engine | sqlalchemy.create_engine
sa.create_engine | sqlalchemy.create_engine
select | sqlalchemy.future.select
select(1).where | sqlalchemy.sql.expression.Select.where
select(1).order_by | sqlalchemy.sql.expression.Select.order_by
Column | sqlalchemy.schema.Column
Integer | sqlalchemy.types.Integer
String | sqlalchemy.types.String
ForeignKey | sqlalchemy.schema.ForeignKey
MetaData | sqlalchemy.schema.MetaData
MetaData().create_all | sqlalchemy.schema.MetaData.create_all
Table | sqlalchemy.schema.Table
engine.connect | sqlalchemy.engine.Engine.connect
engine.begin | sqlalchemy.engine.Engine.begin
Session | sqlalchemy.orm.Session
session.add | sqlalchemy.orm.Session.add
session.commit | sqlalchemy.orm.Session.commit
session.query | sqlalchemy.orm.Session.query
relationship | sqlalchemy.orm.relationship
sessionmaker | sqlalchemy.orm.sessionmaker
declarative_base | sqlalchemy.orm.declarative_base
"""

PYTEST = """
import pytest
---
pytest.raises | -
pytest.approx | pytest.approx
pytest.importorskip | pytest.importorskip
pytest.skip | pytest.skip
pytest.fail | pytest.fail
pytest.param | pytest.param
pytest.warns | -
pytest.main | pytest.main
pytest.mark.parametrize | -
pytest.MonkeyPatch | pytest.MonkeyPatch
pytest.MonkeyPatch().setattr | pytest.MonkeyPatch.setattr
pytest.Config | pytest.Config
pytest.Item | pytest.Item
"""

CLICK = """
import click
from click.testing import CliRunner
@click.group()
def cli(): pass
---
click.command | click.command
click.option | click.option
click.argument | click.argument
click.echo | click.echo
click.secho | click.secho
click.Context | click.Context
click.Path | click.Path
click.Choice | click.Choice
click.confirm | click.confirm
click.prompt | click.prompt
click.Group().add_command | click.Group.add_command
CliRunner | click.testing.CliRunner
CliRunner().invoke | click.testing.CliRunner.invoke
click.Context(cli).__enter__ | -
click.ClickException | click.ClickException
click.UsageError("x").show | -
click.get_current_context | click.get_current_context
"""

ATTRS = """
import attr
import attrs
from attrs import define, field, validators
---
attrs.define | attrs.define
define | attrs.define
field | attrs.field
attr.s | attr.s
attr.ib | attr.ib
attrs.asdict | attrs.asdict
attrs.evolve | attrs.evolve
attrs.fields | attrs.fields
attrs.Factory | attrs.Factory
validators.instance_of | attrs.validators.instance_of
attrs.frozen | attr.frozen
attrs.make_class | attrs.make_class
attr.NOTHING | attrs.NOTHING
"""

BLOCKS = {
    "python": STDLIB,
    "requests": REQUESTS,
    "flask": FLASK,
    "numpy": NUMPY,
    "pandas": PANDAS,
    "sqlalchemy": SQLALCHEMY,
    "pytest": PYTEST,
    "click": CLICK,
    "attrs": ATTRS,
}

INVENTORIES = {
    "requests": "python-requests-doc_2.28.1+dfsg-1.inv",
    "flask": "python-flask-doc_2.2.2-3.inv",
    "numpy": "objects_numpy.inv",
    "pandas": "python-pandas-doc_1.5.3+dfsg-2.inv",
    "sqlalchemy": "python-sqlalchemy-doc_1.4.46+ds1-1.inv",
    "pytest": "python-pytest-doc_7.2.1-2.inv",
    "click": "python-click-doc_8.1.3-2.inv",
    "attrs": "python-attr-doc_22.2.0-1.inv",
}
"""The docs that the table was written from; those of `python` come with Linewise."""


@dataclass(frozen=True, slots=True)
class Row:
    """One expression: the text it stands in, the offset of its name, what it may lead to."""

    expression: str
    text: str
    offset: int
    expected: tuple[str, ...]


def rows(block: str) -> Iterator[Row]:
    """Yield the rows of a block."""
    prelude, _, lines = block.partition("---\n")
    for line in lines.strip().splitlines():
        expression, _, expected = line.rpartition(" | ")
        marked = expression if MARK in expression else expression + MARK
        text = f"{prelude}{marked}\n"
        names = () if expected == "-" else tuple(expected.split(" / "))
        offset = text.index(MARK)
        yield Row(expression, text.replace(MARK, ""), offset, names)
