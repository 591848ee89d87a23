"""Where names of other languages lead; the cursor stands at the mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from linewise_server.apidocs.languages import BY_LANGUAGE
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


SERDE = '[[package]]\nname = "serde_json"\nversion = "1.0.9"\n'


@pytest.mark.parametrize(("language", "marked", "url"), CASES)
def test_link(library: Library, language: str, marked: str, url: str | None) -> None:
    offset = marked.index("║")
    found = BY_LANGUAGE[language](Source(marked.replace("║", ""), language), offset, library)
    assert (found.link.url if found and found.link else None) == url


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
