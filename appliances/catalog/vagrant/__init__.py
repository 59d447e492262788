"""The catalog as Vagrant reads it: one JSON document per appliance, also at the appliance's own address."""

from .document import documents
from .views import box, wanted

__all__ = ["box", "documents", "wanted"]
