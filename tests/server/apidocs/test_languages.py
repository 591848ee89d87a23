"""Where names of other languages lead; the cursor stands at the mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_server.apidocs.languages import BY_LANGUAGE, java
from linewise_server.apidocs.library import Library
from linewise_server.apidocs.source import Source

MDN = "https://developer.mozilla.org/docs/Web/"
JS = MDN + "JavaScript/Reference/Global_Objects/"
CSS = MDN + "CSS/Reference/"
HTML = MDN + "HTML/Reference/"
CPP = "https://en.cppreference.com/w/"
JDK = "https://docs.oracle.com/en/java/javase/21/docs/api/"

CASES: list[tuple[str, str, str | None]] = [
    ("javascript", "fet║ch('/x')", MDN + "API/Window/fetch"),
    ("javascript", "Math.ma║x(1)", JS + "Math/max"),
    ("javascript", "M║ath.max(1)", JS + "Math"),
    ("javascript", "[1].ma║p(f)", JS + "Array/map"),
    ("javascript", "`x`.a║t(0)", JS + "String/at"),
    ("javascript", "const m = new Map();\nm.se║t(1, 2)", JS + "Map/set"),
    ("javascript", "let m = new Map();\nm.se║t(1, 2)", None),
    ("javascript", "const m = make();\nm.se║t(1, 2)", None),
    ("javascript", "new Ma║p()", JS + "Map"),
    ("javascript", "document.querySel║ector('a')", MDN + "API/Document/querySelector"),
    ("javascript", "document.addEventL║istener('a')", MDN + "API/EventTarget/addEventListener"),
    ("javascript", "console.lo║g(1)", MDN + "API/console/log_static"),
    ("javascript", "import { fetch } from 'x';\nfet║ch('/x')", None),
    ("javascript", "function f(Math) { Math.ma║x(1) }", None),
    ("javascript", "const f = Math => Math.ma║x(1)", None),
    ("javascript", "x.ma║p(f)", None),
    ("javascript", "// fet║ch", None),
    ("typescript", "function f(a: string[]) { a.fl║at() }", JS + "Array/flat"),
    ("typescript", "function f(a: Promise<number>) { a.the║n() }", JS + "Promise/then"),
    ("typescript", "let p: Prom║ise<number>", JS + "Promise"),
    ("typescript", "interface Map {}\nlet p: Ma║p", None),
    ("css", "a { grid-ar║ea: x }", CSS + "Properties/grid-area"),
    ("css", "@med║ia print {}", CSS + "At-rules/@media"),
    ("css", "a:hov║er {}", CSS + "Selectors/:hover"),
    ("css", "a::befo║re {}", CSS + "Selectors/::before"),
    ("css", "a { width: cal║c(1px) }", CSS + "Values/calc"),
    ("css", ".hov║er {}", None),
    ("html", "<tex║tarea></textarea>", HTML + "Elements/textarea"),
    ("html", "<a cla║ss='x'>", HTML + "Global_attributes/class"),
    ("html", "<input check║ed>", HTML + "Elements/input#checked"),
    ("html", "<a hre║f='x'>", HTML + "Elements/a"),
    ("html", "<a data-║x='x'>", None),
    ("go", 'package m\nimport "net/h║ttp"', "https://pkg.go.dev/net/http"),
    ("go", 'package m\nimport "fmt"\nvar x = fmt.Print║ln', "https://pkg.go.dev/fmt#Println"),
    ("go", 'package m\nimport h "net/http"\nvar r h.Req║uest',
     "https://pkg.go.dev/net/http#Request"),
    ("go", 'package m\nimport "fmt"\nfunc f(fmt int) { fmt.Print║ln() }', None),
    ("go", "package m\nvar x = fmt.Print║ln", None),
    (
        "rust",
        "use std::collections::Hash║Map;",
        "https://doc.rust-lang.org/std/?search=collections%3A%3AHashMap",
    ),
    (
        "rust",
        "use std::collections::{BTreeMap, HashMap as H};\nfn f() { H::n║ew(); }",
        "https://doc.rust-lang.org/std/?search=collections%3A%3AHashMap%3A%3Anew",
    ),
    (
        "rust",
        "fn f() { tokio::spa║wn(x); }",
        "https://docs.rs/tokio/latest/tokio/?search=spawn",
    ),
    ("rust", "mod tokio;\nfn f() { tokio::spa║wn(x); }", None),
    ("rust", "use crate::x::Y║;", None),
    ("rust", "fn f() { foo(║); }", None),
    ("java", "import java.util.Li║st;", JDK + "java.base/java/util/List.html"),
    ("java", "import java.util.List;\nclass A { Li║st<A> x; }",
     JDK + "java.base/java/util/List.html"),
    ("java", "import java.sql.Connection;\nclass A { Conn║ection c; }",
     JDK + "java.sql/java/sql/Connection.html"),
    ("java", "class A { int x = Math.m║ax(1, 2); }", JDK + "java.base/java/lang/Math.html"),
    ("java", "class Math {}\nclass A { int x = Math.m║ax(1, 2); }", None),
    ("java", "import org.acme.Thing;\nclass A { Th║ing x; }", None),
    ("cpp", "std::vec║tor<int> v;", CPP + "cpp/container/vector"),
    ("cpp", "int main() { std::so║rt(a, b); }", CPP + "cpp/algorithm/sort"),
    ("cpp", "using namespace std;\nvec║tor<int> v;", CPP + "cpp/container/vector"),
    ("cpp", "vec║tor<int> v;", None),
    ("cpp", "int main() { std::vector<int> v; v.push_b║ack(1); }",
     CPP + "cpp/container/vector/push_back"),
    ("cpp", "std::chrono::sec║onds s;", CPP + "cpp/chrono/duration"),
    ("c", "int main() { prin║tf(x); }", CPP + "c/io/fprintf"),
    ("c", "int printf(int x) {\n  return 1;\n}\nint main() { prin║tf(x); }", None),
]  # fmt: skip


NAMED_ALIKE: list[tuple[str, str, str | None]] = [
    ("javascript", "for (const fetch of xs) { fet║ch(1) }", None),
    ("javascript", "for (const Math in xs) { Math.ma║x(1) }", None),
    ("javascript", "function f(fetch = g) { fet║ch(1) }", None),
    ("javascript", "function f(g = fet║ch) {}", MDN + "API/Window/fetch"),
    ("javascript", "const { fetch } = x; fet║ch(1)", None),
    ("javascript", "const { fetch = 1 } = x; fet║ch(1)", None),
    ("javascript", "const { a: fetch } = x; fet║ch(1)", None),
    ("javascript", "const { a: fetch = 1 } = x; fet║ch(1)", None),
    ("javascript", "const { fetch: a } = x; fet║ch(1)", MDN + "API/Window/fetch"),
    ("javascript", "const [a, fetch = 1] = x; fet║ch(1)", None),
    ("javascript", "const [a, ...fetch] = x; fet║ch(1)", None),
    ("javascript", "function f({ b: [fetch] }) { fet║ch(1) }", None),
    ("javascript", "try {} catch (fetch) { fet║ch(1) }", None),
    ("javascript", "try {} catch ({ fetch }) { fet║ch(1) }", None),
    ("javascript", "const f = async (a, fetch) => fet║ch(1)", None),
    ("javascript", "class A { m(fetch) { fet║ch(1) } }", None),
    ("javascript", "const C = class fetch { m() { fet║ch(1) } }", None),
    ("javascript", "import * as fetch from 'x'; fet║ch(1)", None),
    ("javascript", "import fetch from 'x'; fet║ch(1)", None),
    ("javascript", "import { a as fetch } from 'x'; fet║ch(1)", None),
    ("javascript", "fetch = mine; fet║ch(1)", None),
    ("javascript", "fetch: for (;;) { fet║ch(1) }", MDN + "API/Window/fetch"),
    ("javascript", "x.fetch = mine; fet║ch(1)", MDN + "API/Window/fetch"),
    ("javascript", "const o = { hasOwnProperty() {} }; o.hasOwn║Property(1)", None),
    ("javascriptreact", "const x = <conso║le />", None),
    ("typescript", "enum Map { A }\nlet p: Ma║p", None),
    ("typescript", "namespace Math { export const max = 1 }\nMath.ma║x", None),
    ("typescript", "type F<Map> = Ma║p", None),
    ("typescript", "import fetch = require('x');\nfet║ch(1)", None),
    ("typescript", "class A { constructor(private fetch: X) { fet║ch(1) } }", None),
    ("typescript", "declare function fetch(x: number): void;\nfet║ch(1)", None),
    ("typescript", "function f(a?: string[]) { a.fl║at() }", JS + "Array/flat"),
    ("typescript", "function f(a: string[] = []) { a.fl║at() }", JS + "Array/flat"),
    ("typescript", "abstract class Map {}\nlet p: Ma║p", None),
    ("typescript", "const [a]: string[] = x; a.fl║at()", None),
    ("go", 'package m\nimport "fmt"\nfunc f(fmt, b int) { fmt.Print║ln() }', None),
    ("go", 'package m\nimport "fmt"\nfunc f() { for _, fmt := range x { fmt.X║() } }', None),
    ("go", 'package m\nimport "fmt"\nfunc (fmt *T) f() { fmt.Print║ln() }', None),
    ("go", 'package m\nimport "fmt"\nfunc f() (fmt T) { fmt.Print║ln() }', None),
    ("go", 'package m\nimport "fmt"\nvar (\n  fmt T\n)\nfunc f() { fmt.Print║ln() }', None),
    ("go", 'package m\nimport "fmt"\nfunc f() { switch fmt := x.(type) { default: fmt.X║() } }',
     None),
    ("go", 'package m\nimport "fmt"\nfunc f() { a := fmt.Print║ln }',
     "https://pkg.go.dev/fmt#Println"),
    ("go", 'package m\nimport "fmt"\nfunc f() { fmt.print║ln() }', None),
    ("go", 'package m\nimport "fmt"\nfunc f(a T) { a.fmt = 1; fmt.Print║ln() }',
     "https://pkg.go.dev/fmt#Println"),
    ("rust", "use std::mem::swap;\nfn f() { sw║ap(a, b); }",
     "https://doc.rust-lang.org/std/?search=mem%3A%3Aswap"),
    ("rust", "use std::mem::swap;\nfn f() { let swap = 1; sw║ap(a, b); }", None),
    ("rust", "use std::mem::swap;\nfn f(swap: X) { sw║ap(a, b); }", None),
    ("rust", "use std::mem::swap;\nfn f() { match x { Some(swap) => sw║ap } }", None),
    ("rust", "use std::mem::swap;\nfn f() { |swap| sw║ap }", None),
    ("rust", "use std::fs;\nfn f() { for fs in x { f║s.go() } }", None),
    ("rust", "use std::collections::HashMap;\nmod a { struct HashMap; fn f(x: Hash║Map) {} }",
     None),
    ("rust", "use std::{fs, io::Re║ad};", "https://doc.rust-lang.org/std/?search=io%3A%3ARead"),
    ("rust", "use std::{f║s, io::Read};", "https://doc.rust-lang.org/std/?search=fs"),
    ("java", "import java.util.Map;\nclass A { Map.En║try e; }",
     JDK + "java.base/java/util/Map.Entry.html"),
    ("java", "import java.util.Map.Entry;\nclass A { En║try e; }",
     JDK + "java.base/java/util/Map.Entry.html"),
    ("java", "import java.util.Map.En║try;", JDK + "java.base/java/util/Map.Entry.html"),
    ("java", "import static java.lang.Math.ma║x;", JDK + "java.base/java/lang/Math.html"),
    ("java", "import static java.lang.Math.max;\nclass A { int x = ma║x(1, 2); }",
     JDK + "java.base/java/lang/Math.html"),
    ("java", "import static java.lang.Math.max;\nclass A { int max() {} int x = ma║x(1, 2); }",
     None),
    ("java", "import static java.lang.Ma║th.*;", JDK + "java.base/java/lang/Math.html"),
    ("java", "import java.ut║il.*;", JDK + "java.base/java/util/package-summary.html"),
    ("java", "import javax.xml.bind.JAXB║Context;", None),
    ("java", "import javax.xml.parsers.Document║Builder;",
     JDK + "java.xml/javax/xml/parsers/DocumentBuilder.html"),
    ("java", "import javax.sql.rowset.Cached║RowSet;",
     JDK + "java.sql.rowset/javax/sql/rowset/CachedRowSet.html"),
    ("java", "import javax.servlet.Fil║ter;", None),
    ("java", "class A { void f(int Math) { Math.m║ax(1); } }", None),
    ("java", "class A<String> { Str║ing s; }", None),
    ("java", "class A { void Object() { Obj║ect(); } }", None),
    ("java", "class A { Ob║ject o; }", JDK + "java.base/java/lang/Object.html"),
    ("java", "class A { @Over║ride void f() {} }", JDK + "java.base/java/lang/Override.html"),
    ("java", "class A { Object o = Integer::parse║Int; }", None),
    ("java", "class A { Object o = Inte║ger::parseInt; }",
     JDK + "java.base/java/lang/Integer.html"),
    ("java", "class A { java.util.Li║st x; }", JDK + "java.base/java/util/List.html"),
    ("java", "class A { int f = System.o║ut; }", JDK + "java.base/java/lang/System.html"),
    ("java", "class A { void f() { System.out.print║ln(1); } }", None),
    ("java", "import java.util.List;\nclass A { List x; void f() { x.ad║d(1); } }", None),
    ("java", "class A { void f() { throw new Illegal║StateException(); } }",
     JDK + "java.base/java/lang/IllegalStateException.html"),
    ("c", "#include <stdio.h>\nint main() { prin║tf(x); }", CPP + "c/io/fprintf"),
    ("c", '#include "my.h"\nint main() { prin║tf(x); }', None),
    ("c", '#include "my.h"\n#include <stdio.h>\nint f() { prin║tf(x); }', CPP + "c/io/fprintf"),
    ("c", "int main() { int time = 0; return ti║me; }", None),
    ("c", "int main(int time) { return ti║me; }", None),
    ("c", "void f(void (*abs)(int)) { ab║s(1); }", None),
    ("c", "#define abs(x) (x)\nint f() { return ab║s(1); }", None),
    ("c", "enum { time };\nint f() { return ti║me; }", None),
    ("c", "#include <time.h>\nint f(struct tm *x) { return ti║me(0); }", CPP + "c/chrono/time"),
    ("c", "#include <st║dio.h>", CPP + "c/header/stdio"),
    ("cpp", "#include <vec║tor>", CPP + "cpp/header/vector"),
    ("cpp", "#include <boost/x.h║pp>", None),
    ("cpp", "int f() { int sort = 1; return so║rt; }", None),
    ("cpp", "using namespace std;\nint f() { int count = 1; return co║unt; }", None),
    ("cpp", "using namespace std;\nint f() { auto [count, b] = g(); return co║unt; }", None),
    ("cpp", "using namespace std;\nint f(V& v) { for (auto& count : v) co║unt(); }", None),
    ("cpp", "using namespace std;\nauto l = [count = 1] { return co║unt; };", None),
    ("cpp", "using namespace std;\ntemplate <typename vector> void f(vec║tor x) {}", None),
    ("cpp", '#include "mine.h"\nusing namespace std;\nint f() { so║rt(a, b); }', None),
    ("cpp", '#include "mine.h"\nusing namespace std;\nvec║tor<int> f();',
     CPP + "cpp/container/vector"),
    ("cpp", "using mine::vector;\nusing namespace std;\nvec║tor<int> f();", None),
    ("cpp", "using std::vector;\nvec║tor<int> f();", CPP + "cpp/container/vector"),
    ("cpp", "void sort(int x) {}\nint f() { std::so║rt(a, b); }", CPP + "cpp/algorithm/sort"),
    ("cpp", "int f() { std::unique_ptr<A> p; p->ge║t(); }", None),
    ("cpp", "int f() { std::unique_ptr<A> p; p.ge║t(); }", CPP + "cpp/memory/unique_ptr/get"),
    ("cpp", "int f(std::vector<int>* p) { p->siz║e(); }", CPP + "cpp/container/vector/size"),
    ("cpp", "int f(const std::vector<int>& p) { p.siz║e(); }", CPP + "cpp/container/vector/size"),
    ("cpp", "int g(std::vector<int> p);\nint f(Mine p) { p.siz║e(); }", None),
    ("cpp", "void f() { std::vector<int> v{1}; v.push_b║ack(1); }",
     CPP + "cpp/container/vector/push_back"),
    ("cpp", "void f() { for (std::string s : x) s.siz║e(); }",
     CPP + "cpp/string/basic_string/size"),
    ("cpp", "void f() { auto v = make(); v.siz║e(); }", None),
    ("cpp", "int f() { std::string s(g()); s.siz║e(); }", None),
    ("cpp", "#include <cstdio>\nint main() { prin║tf(x); }", CPP + "cpp/io/c/printf"),
    ("cpp", "int main() { prin║tf(x); }", None),
    ("cpp", "#include <cassert>\nint main() { ass║ert(x); }", CPP + "cpp/error/assert"),
    ("cpp", '#include "x.h"\nint main() { return N║ULL; }', None),
    ("cpp", "std::chrono::sec║onds s;", CPP + "cpp/chrono/duration"),
    ("cpp", "class A { int std; void f() { std::so║rt(a, b); } };", CPP + "cpp/algorithm/sort"),
]  # fmt: skip
"""Names of the file's own, or of a header that is not read, beside the same names of an API."""

SERDE = '[[package]]\nname = "serde_json"\nversion = "1.0.9"\n'


@pytest.mark.parametrize(("language", "marked", "url"), CASES + NAMED_ALIKE)
def test_link(library: Library, language: str, marked: str, url: str | None) -> None:
    offset = marked.index("║")
    found = BY_LANGUAGE[language](Source(marked.replace("║", ""), language), offset, library)
    assert (found.link.url if found and found.link else None) == url


def test_a_class_of_the_same_folder_comes_before_java_lang(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "Module.java").write_text("class Module {}\n")
    source = Source("class A { Module m; Process p; }", "java", tmp_path / "A.java")
    links = [java.resolve(source, source.text.index(name), library) for name in ("Module", "Proc")]
    assert [link and link.name for link in links] == [None, "java.lang.Process"]


@pytest.mark.parametrize(
    ("language", "marked", "manifest", "url"),
    [
        (
            "go",
            'package m\nimport "github.com/a/b/sub"\nvar x = sub.Do║It',
            ("go.mod", "module m\nrequire (\n\tgithub.com/a/b v1.2.3\n)\n"),
            "https://pkg.go.dev/github.com/a/b@v1.2.3/sub#DoIt",
        ),
        (
            "rust",
            "use serde_json::Val║ue;",
            ("Cargo.lock", SERDE + 'source = "registry"\n'),
            "https://docs.rs/serde_json/1.0.9/serde_json/?search=Value",
        ),
    ],
)
def test_the_version_is_the_project_s(
    library: Library,
    tmp_path: Path,
    language: str,
    marked: str,
    manifest: tuple[str, str],
    url: str,
) -> None:
    (tmp_path / manifest[0]).write_text(manifest[1])
    source = Source(marked.replace("║", ""), language, tmp_path / "src" / "main")
    found = BY_LANGUAGE[language](source, marked.index("║"), library)
    assert found is not None
    assert found.link is not None
    assert found.link.url == url


@pytest.mark.parametrize(
    ("language", "marked", "manifest"),
    [
        (
            "go",
            'package m\nimport "git.corp.example/me/app/util"\nvar x = util.Do║It',
            ("go.mod", "module git.corp.example/me/app\n"),
        ),
        (
            "go",
            'package m\nimport "git.corp.example/m║e"',
            ("go.mod", "module git.corp.example/me"),
        ),
        ("rust", "use serde_json::Val║ue;", ("Cargo.lock", SERDE)),
    ],
)
def test_what_is_the_project_s_own_has_no_page(
    library: Library, tmp_path: Path, language: str, marked: str, manifest: tuple[str, str]
) -> None:
    (tmp_path / manifest[0]).write_text(manifest[1])
    source = Source(marked.replace("║", ""), language, tmp_path / "src" / "main")
    found = BY_LANGUAGE[language](source, marked.index("║"), library)
    assert found is not None
    assert (found.link, found.gap) == (None, "own")
