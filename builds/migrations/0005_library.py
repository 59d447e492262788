from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('builds', '0004_architecture'),
    ]

    operations = [
        migrations.AddField(
            model_name='artifact',
            name='members',
            field=models.JSONField(blank=True, default=list, help_text='Of an OVA: [name, first byte, bytes] of each file in it, once looked up.'),
        ),
    ]
