import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("appliances", "0010_registry")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="instead",
            field=models.ForeignKey(
                blank=True,
                help_text="What to use in the place of one that was withdrawn; without, the catalog chooses.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="appliances.release",
            ),
        ),
    ]
