from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appliances', '0010_registry'),
    ]

    operations = [
        migrations.AddField(
            model_name='revision',
            name='publish_when_ready',
            field=models.BooleanField(default=False, help_text='Somebody has said so already, whatever its appliance does by itself.'),
        ),
        migrations.AddField(
            model_name='revision',
            name='uploads',
            field=models.JSONField(blank=True, default=list, help_text='The boxes made elsewhere that it takes in.'),
        ),
    ]
