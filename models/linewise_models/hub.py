"""Fetch one file from the Hugging Face hub; run as a process, so that ending it cancels.

In: `python -m linewise_models.hub OWNER/REPO FILE REVISION DIRECTORY`. Out: the file in DIRECTORY
and `arrived.json` beside it, and while it comes its size in bytes in `size`; on failure exit code
1 and one line on stderr. A file that is half there is continued. Never checks what came: the
caller does.

huggingface_hub knows endpoint, token, redirects and errors. Its own download starts afresh in
every process (since 2.0 the partial file bears a random name), so the file is ours.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get


def download(repo: str, file: str, revision: str, directory: Path) -> None:
    """Bring a file to DIRECTORY; the errors are those of huggingface_hub, and ValueError."""
    url = hf_hub_url(repo, file, revision=revision)
    token = get_token()
    remote = get_hf_file_metadata(url, token=token)
    if remote.etag is None or not re.fullmatch("[0-9a-f]{64}", remote.etag):
        raise ValueError(f"the hub states no SHA-256 for {file}, so it could not be verified")
    # The name holds the hash: what is half there of an older file is never continued.
    partial = directory / f"{remote.etag}.part"
    for stale in set(directory.glob("*.part")) - {partial}:
        stale.unlink()
    there = partial.stat().st_size if partial.exists() else 0
    if remote.size is not None:
        if remote.size - there > (free := shutil.disk_usage(directory).free):
            raise ValueError(
                f"{file} has {remote.size / 1e9:.1f} GB and {free / 1e9:.1f} GB are free. "
                "Make room, or set LINEWISE_HOME to another disk"
            )
        (directory / "size").write_text(str(remote.size), encoding="ascii")
    with partial.open("ab") as growing:
        # The address before its redirect: the client drops the token when it leaves the hub.
        http_get(
            url,
            growing,
            resume_size=growing.tell(),
            headers={"authorization": f"Bearer {token}"} if token else {},
            expected_size=remote.size,
        )
    arrived = {"file": partial.name, "sha256": remote.etag, "revision": remote.commit_hash}
    (directory / "arrived.json").write_text(json.dumps(arrived), encoding="utf-8")


def main() -> None:
    """Do what the command line asks."""
    repo, file, revision, directory = sys.argv[1:]
    try:
        download(repo, file, revision, Path(directory))
    except GatedRepoError:
        sys.exit(f"ERROR: {repo} wants its terms accepted on its page, and HF_TOKEN to be set")
    except RepositoryNotFoundError:
        sys.exit(f"ERROR: there is no {repo} on the hub, or HF_TOKEN does not open it")
    except OfflineModeIsEnabled:
        sys.exit("ERROR: HF_HUB_OFFLINE is set")
    except HfHubHTTPError as error:
        sys.exit(f"ERROR: the hub answered {error.response.status_code} for {file}")
    except Exception as error:  # the edge of a process; which HTTP client fails is not our concern
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main()
