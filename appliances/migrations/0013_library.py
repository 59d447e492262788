from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appliances', '0012_private'),
    ]

    operations = [
        migrations.AddField(
            model_name='revision',
            name='edition',
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text='With which it was last put up: editions.py.'),
        ),
    ]
