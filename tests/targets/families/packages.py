# SPDX-License-Identifier: MIT
"""Families of packages that are written in C and Cython and do not belong to Python.

They are no part of everything.MODULES, so that a heap is the same whether an interpreter has them
or not: only the judge's scene "packages" asks for them.
"""
from . import family


@family
def numeric_arrays():
    import numpy
    import tempfile
    base = numpy.arange(1000)
    named = numpy.zeros(5, dtype=[("a", "i4"), ("b", "f8"), ("c", "S3"), ("d", "O")])

    class Child(numpy.ndarray):
        pass

    child = base[:10].view(Child)
    child.attribute = [1]
    file = tempfile.NamedTemporaryFile()
    mapped = numpy.memmap(file, dtype="u1", mode="w+", shape=(10, 10))
    kept = [base, base[::2], base.reshape(10, 100).T, base[:0], numpy.array(5),
            numpy.array([[], []]), named, named["a"], named[0],
            numpy.array([[], {}, None], dtype=object), numpy.array(["a", "bcd"]),
            numpy.float64(1.5), numpy.int8(3), numpy.complex128(1j), numpy.str_("text"),
            numpy.bytes_(b"b"), numpy.bool_(True), numpy.datetime64("2024-01-01"),
            numpy.void(b"ab"), child, mapped, mapped[2:], numpy.dtype("i4"), named.dtype,
            numpy.frombuffer(b"12345678", "i4"), numpy.ma.array([1, 2], mask=[0, 1]),
            numpy.rec.array([(1, 2.0)], dtype="i4,f8"), base.flat, numpy.nditer(base),
            numpy.broadcast(base, 1), numpy.random.RandomState(5), numpy.random.default_rng(5),
            numpy.add, numpy.vectorize(abs), numpy.matrix([[1]]), numpy.poly1d([1, 2]),
            memoryview(base), numpy.asarray(bytearray(8)), numpy.ones((3, 4, 5), order="F")]
    return kept + [numpy.zeros(size) for size in (0, 1, 10, 10000)]


@family
def numpy_random_numbers():
    import numpy
    from numpy import random
    kept = [random.RandomState(1), random.SeedSequence(5)]
    kept += [random.Generator(bits(5)) for bits in
             (random.PCG64, random.MT19937, random.Philox, random.SFC64)]
    return kept + [numpy.fft.fft(numpy.ones(8)), numpy.linalg.inv(numpy.eye(3)),
                   numpy.polynomial.Chebyshev([1, 2])]


@family
def pandas_tables():
    import numpy
    import pandas
    size = 2000
    frame = pandas.DataFrame({
        "number": numpy.arange(size), "text": ["x%d" % (i % 100) for i in range(size)],
        "when": pandas.date_range("2020", periods=size, freq="min"),
        "kind": pandas.Categorical(["a", "b"] * (size // 2)),
        "held": [{"i": i} for i in range(size)]})
    grouped = frame.groupby("text")
    indexed = frame.set_index(["text", "when"])
    kept = [frame, grouped, indexed, grouped.sum(numeric_only=True), frame["when"].dt,
            frame["text"].str, frame.iloc, frame.loc, frame.describe(), frame.T,
            frame.rolling(3, on="when"), frame["number"].rolling(5), frame["number"].ewm(3),
            frame.merge(frame, on="number"), pandas.Timestamp("2020-01-01", tz="UTC"),
            pandas.Timedelta("1h"), pandas.Period("2020-01"), pandas.Interval(1, 2), pandas.NaT,
            pandas.NA, pandas.offsets.MonthEnd(2), pandas.IntervalIndex.from_breaks([1, 2, 3]),
            pandas.period_range("2020", periods=5, freq="M"),
            pandas.array([1, None], dtype="Int64"), pandas.arrays.SparseArray([0, 0, 1])]
    frame["text"].value_counts()
    frame.index.get_indexer([1, 2])
    indexed.sort_index().loc["x5"]
    return kept


@family
def lxml_documents():
    import io
    from lxml import etree, html, objectify
    root = etree.fromstring("<a xmlns:n='urn:n'>%s<!-- c --><?p i?></a>" %
                            ("<b x='1'>t</b>tail" * 200))
    parser = etree.XMLPullParser(["start", "end"])
    parser.feed("<a><b/>")
    style = etree.XSLT(etree.XML(
        "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'/>"))
    try:
        etree.fromstring("<a>")
    except etree.XMLSyntaxError as error:
        failed = error
    kept = [root, list(root), root[0].attrib, root[0].attrib.items(), root.getroottree(),
            root.iter(), root.iterchildren(), root.xpath("//b")[:5], etree.XPath("//b"),
            etree.ETXPath("//b"),
            etree.XPathEvaluator(root), parser, parser.read_events(), etree.HTMLParser(),
            etree.XMLParser(remove_comments=True), style, style(root), style.error_log, failed,
            failed.error_log, etree.QName("urn:n", "b"), etree.CDATA("t"), etree.ElementTree(root),
            html.fromstring("<p>a<b>b</p>"), objectify.fromstring("<a><b>5</b><c>t</c></a>"),
            etree.FunctionNamespace("urn:f"), etree.iterparse(io.BytesIO(b"<a><b/></a>")),
            etree.XMLSchema(etree.XML(
                "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"
                "<xs:element name='a'/></xs:schema>"))]
    return kept


@family
def sqlalchemy_mappings():
    import sqlalchemy
    from sqlalchemy import orm
    base = orm.declarative_base()

    class Customer(base):
        __tablename__ = "customer"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        name = sqlalchemy.Column(sqlalchemy.String)
        orders = orm.relationship("Order", back_populates="customer")

    class Order(base):
        __tablename__ = "orders"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        customer_id = sqlalchemy.Column(sqlalchemy.ForeignKey("customer.id"))
        customer = orm.relationship(Customer, back_populates="orders")

    engine = sqlalchemy.create_engine("sqlite://")
    base.metadata.create_all(engine)
    session = orm.Session(engine)
    session.add_all(Customer(name="c%d" % i, orders=[Order(), Order()]) for i in range(100))
    session.commit()
    found = session.query(Customer).options(orm.joinedload(Customer.orders)).all()
    connection = engine.connect()
    rows = connection.execute(sqlalchemy.text("select id, name from customer")).fetchall()
    pending = connection.execute(sqlalchemy.select(Customer.id))
    return [base, Customer, Order, engine, session, found, connection, rows, pending,
            pending.fetchone(), rows[0]._mapping]
