"""The sites and servers that keep git repositories: how each signs a webhook, and how it is told about a commit."""

from .base import Forge
from .bitbucket import Bitbucket
from .gitea import Gitea
from .github import GitHub
from .gitlab import GitLab
from .plain import Plain

FORGES: dict[str, Forge] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea(),
    "bitbucket": Bitbucket(),
    "plain": Plain(),
}
