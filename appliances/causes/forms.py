"""What people may type about rebuilds. Rules of the models are the models'."""

from __future__ import annotations

from django import forms
from django.conf import settings

from appliances.models import Appliance, Schedule


class PolicyForm(forms.ModelForm):
    class Meta:
        model = Appliance
        fields = ["rebuild_policy"]
        labels = {"rebuild_policy": "When a base or a parent changes"}
        help_texts = {"rebuild_policy": "Of each channel the newest published version is rebuilt; older ones stay."}


class ScheduleForm(forms.ModelForm):
    class Meta:
        model = Schedule
        fields = ["cron", "zone", "stops_after"]
        widgets = {
            "cron": forms.TextInput(attrs={"placeholder": "0 3 * * MON", "spellcheck": "false"}),
            "zone": forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.initial["zone"] = self.instance.zone or settings.TIME_ZONE

    def _get_validation_exclusions(self) -> set[str]:
        """The appliance is not on the form, and yet no two schedules of it may be alike."""
        return super()._get_validation_exclusions() - {"appliance"}
