"""Names that nothing defines: a document, what is put at ║, and the names that are listed."""

from __future__ import annotations

import pytest

from linewise_server.generation.names import unresolved

FAR = "import D, { a as b } from 'x';\nimport * as ns from 'y';\n"


@pytest.mark.parametrize(
    ("language", "marked", "text", "names"),
    [
        ("python", "def f(x):\n║", "    return x + y + z + len(x)\n", ("y", "z")),
        ("python", "import a\ny = 1\n\n\ndef f(x):\n║", "    return a.b(y)\n", ()),
        ("python", "def f():\n║", "    return [q for q in r if (s := q)] + [s]\n", ("r",)),
        ("python", "def f():\n║", "    with g() as h:\n        return h\n", ("g",)),
        ("python", "def f():\n║", "    try:\n        1\n    except E as e:\n        e\n", ("E",)),
        ("python", "def f():\n║", "    match x:\n        case A(b=c):\n            c\n",
         ("x", "A")),
        ("python", "u\n\n\ndef f():\n║", "    return 1\n", ()),
        ("python", "from a import *\n\n\ndef f():\n║", "    return b\n", None),
        ("python", "def f():\n║", "    return (b\n", None),
        ("javascript", "function f(x) {║}\n", " return x + y + Math.max(z, 1); ", ("y", "z")),
        ("javascript", "║", "import { gone as here } from 'z';\nhere();\n", ()),
        ("javascript", FAR + "f(║)\n", "D, b, ns.q, a", ("a",)),
        ("javascript", "║", "const { p, q: [r], ...s } = t; p + r + s;\n", ("t",)),
        ("javascript", "║", "const { p = dflt } = {};\n", ("dflt",)),
        ("javascript", "║", "const q = 1; f({ q, w, key: 1 });\n", ("f", "w")),
        ("javascript", "║", "[1].map((n) => n * k).map(m => m.length);\n", ("k",)),
        ("javascript", "║", "for (const [i, v] of xs) { v + i; }\n", ("xs",)),
        ("javascript", "║", "try { g(); } catch (err) { console.log(err); }\n", ("g",)),
        ("javascript", "║", "class A extends B { #p = 1; get v() { return this.#p; } }\n", ("B",)),
        ("javascript", "║", "outer: for (;;) { break outer; }\n", ()),
        ("javascript", "gone;\n║", "export { q } from 'z';\n", ()),
        ("javascript", "║", "fetch(new URL('a', import.meta.url)).then(process.exit);\n", ()),
        ("javascriptreact", "║", "const el = <div className={c}><Foo.Bar /><Baz /></div>;\n",
         ("c", "Foo", "Baz")),
        ("typescript", "║", "function f<K extends U>(this: W, k?: K): k is K { return !!k; }\n",
         ("U", "W")),
        ("typescript", "║", "type M<T> = { [K in keyof T]: Partial<T[K]> } | Q;\n", ("Q",)),
        ("typescript", "║", "type I<A> = A extends Promise<infer V> ? V : never;\n", ()),
        ("typescript", "║", "interface N { [key: string]: X; m(arg: number): void }\n", ("X",)),
        ("typescript", "║", "enum E { One, Two }\nconst e: E = E.One;\n", ()),
        ("typescript", "║", "namespace S { export const s = 1; }\nS.s;\n", ()),
        ("typescript", "║", "const x: React.FC = y as Record<string, Z>;\n", ("React", "y", "Z")),
        ("typescript", "║", "class C { constructor(private q: number, r = q) { r; } }\n", ()),
        ("typescript", "║", "const é = 1;\né + ü;\n", ("ü",)),
        ("typescript", "function f() {║", " return 1;\n", None),
        ("go", "func f() int {║}\n", " return x ", None),
        ("rust", "fn f() -> i32 {║}\n", " x ", None),
    ],
)  # fmt: skip
def test_names_that_nothing_defines_are_listed(
    language: str, marked: str, text: str, names: tuple[str, ...] | None
) -> None:
    at = marked.index("║")
    after = marked.replace("║", text)
    assert unresolved(after, (at, at + len(text)), language) == names
